import { describe, expect, it } from 'vitest'
import { type DialectName, dialectOf } from '../../../src/adapters/s3/dialect.ts'
import type { StoreCapabilities } from '../../../src/ports/object-store.ts'
import { everythingOfS3 } from '../../contract/capabilities.ts'
import { describeObjectStore, type StoreGaps } from '../../contract/object-store.ts'
import { startDialect } from './dialect-store.ts'

const unconditional = { conditionalPut: 'none', conditionalComplete: 'none', conditionalDelete: 'none' } as const

/** The fake's own contract speaks `aws`; `runpod` needs its guard, see runpod.test.ts. */
const rows: [profile: DialectName, supports: StoreCapabilities, gaps?: StoreGaps][] = [
  ['r2', { ...everythingOfS3, conditionalDelete: 'none' }],
  ['b2', { ...everythingOfS3, ...unconditional }],
  ['gcs', { ...everythingOfS3, ...unconditional }],
  ['minio', { ...everythingOfS3, conditionalDelete: 'none' }],
  // As Ceph 16 and 18 are, which want the bare ETag.
  ['ceph', { ...everythingOfS3, conditionalComplete: 'none', conditionalDelete: 'none' }, { abortedUnanswered: true }],
]

for (const [profile, supports, gaps] of rows) {
  describeObjectStore(`s3 in the dialect ${profile}`, {
    supports,
    gaps: { contentEtags: true, ...gaps },
    async open() {
      const { open, close } = await startDialect(profile)
      return { store: open(), other: open(), close }
    },
  })
}

describe('auto', () => {
  it.each([
    [undefined, 'aws'],
    ['https://s3.eu-central-1.amazonaws.com', 'aws'],
    ['https://bucket.s3.cn-north-1.amazonaws.com.cn', 'aws'],
    ['https://s3api-eu-ro-1.runpod.io', 'runpod'],
    ['https://0123.eu.r2.cloudflarestorage.com', 'r2'],
    ['https://s3.us-west-004.backblazeb2.com', 'b2'],
    ['https://storage.googleapis.com', 'gcs'],
    ['https://runpod.io.example.com', 'generic'],
    ['https://notrunpod.io', 'generic'],
    ['http://127.0.0.1:9000', 'generic'],
  ])('takes %s for %s', (endpoint, name) => {
    expect(dialectOf('auto', endpoint).name).toBe(name)
  })

  it('is overruled by a name', () => {
    expect(dialectOf('minio', 'https://storage.googleapis.com').name).toBe('minio')
  })
})
