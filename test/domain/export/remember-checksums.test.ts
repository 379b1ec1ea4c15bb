import { describe, expect, it } from 'vitest'
import { createRememberer } from '../../../src/domain/export/remember-checksums.ts'
import type { ObjectKey } from '../../../src/ports/object-key.ts'
import type { ETag } from '../../../src/ports/object-store.ts'
import { createTestClock } from '../../app/memory-service.ts'

const log = { debug() {}, info() {}, warn() {}, error() {} }
const known = { crc32: '00000000' }
const entry = (nth: number) => ({ key: `files/${nth}` as ObjectKey, etag: 'e' as ETag })

function open(write: () => Promise<void>) {
  const clock = createTestClock()
  let written = 0
  const records = {
    async write() {
      await write()
      written += 1
    },
    find: async () => undefined,
    complete: async <Meta>(meta: Meta) => meta,
  }
  return { clock, written: () => written, ...createRememberer({ records, clock, log }) }
}

const slowly = () => new Promise<void>((resolve) => setTimeout(resolve, 2))

describe('records beside a download', () => {
  it('are all written when the download waits for them, however slow they are', async () => {
    const { remember, keepUp, end, written } = open(slowly)
    let furthestBehind = 0
    for (let nth = 0; nth < 3000; nth++) {
      remember(entry(nth), known)
      await keepUp()
      furthestBehind = Math.max(furthestBehind, nth + 1 - written())
    }
    await end()
    expect(written()).toBe(3000)
    expect(furthestBehind).toBeLessThanOrEqual(512)
  })

  it('hold nobody up once one has failed', async () => {
    const { remember, keepUp, end, written } = open(() => Promise.reject(new Error('full')))
    for (let nth = 0; nth < 3000; nth++) {
      remember(entry(nth), known)
      await keepUp()
    }
    await end()
    expect(written()).toBe(0)
  })

  it('are left when the download has ended and they take too long', async () => {
    const { remember, end, written, clock } = open(slowly)
    for (let nth = 0; nth < 500; nth++) remember(entry(nth), known)
    const ending = end()
    clock.advance(6000)
    await ending
    expect(written()).toBeLessThan(500)
  })
})
