import { describe, expect, it, onTestFinished } from 'vitest'
import { openBucket } from '../../../src/adapters/s3/bucket.ts'
import { createS3Client } from '../../../src/adapters/s3/client.ts'
import { dialectOf } from '../../../src/adapters/s3/dialect.ts'
import { createS3ObjectStore } from '../../../src/adapters/s3/object-store.ts'
import { probeCapabilities } from '../../../src/adapters/s3/probe.ts'
import { createSystemClock } from '../../../src/adapters/system/clock.ts'
import { createIds } from '../../../src/adapters/web-crypto/ids.ts'
import { parseObjectKey } from '../../../src/ports/object-key.ts'
import type { ETag } from '../../../src/ports/object-store.ts'
import { type FakeS3, type FakeS3Options, startFakeS3 } from '../../faults/fake-s3/fake-s3.ts'

const { signal } = new AbortController()
const key = parseObjectKey('k')
const clock = createSystemClock()

async function fake(options: FakeS3Options) {
  const server = await startFakeS3(options)
  onTestFinished(() => server.stop())
  return server
}

const clientOf = ({ origin, region, credentials }: FakeS3) => createS3Client({ endpoint: origin, region, credentials })

const bucketOf = (server: FakeS3, client = clientOf(server)) =>
  openBucket({ client, bucket: server.bucket, prefix: 'p', dialect: dialectOf('generic', undefined) })

const probe = (server: FakeS3, quotedConditions = true) =>
  probeCapabilities({ ...bucketOf(server), quotedConditions }, { known: {}, nonce: 'n', signal })

const storeOn = (server: FakeS3) =>
  createS3ObjectStore({ client: clientOf(server), bucket: server.bucket, prefix: 'p', ids: createIds() })

describe('a store that compares If-Match without quotes', () => {
  it('is seen to, whichever form was tried first', async () => {
    const server = await fake({ profile: 'ceph' })
    for (const first of [true, false]) {
      const { capabilities, quotedConditions } = await probe(server, first)
      expect({ quotedConditions, put: capabilities.conditionalPut }).toEqual({ quotedConditions: false, put: 'atomic' })
    }
    expect(server.keys()).toEqual([])
  })

  it('is spoken to in that form from then on', async () => {
    const store = storeOn(await fake({ profile: 'ceph' }))
    const put = (when: 'always' | { ifMatch: ETag }) =>
      store.put(key, new Uint8Array(1), { signal, when, contentType: 'text/plain' })
    await store.capabilities({ signal })
    const first = await put('always')
    const ifMatch = first.outcome === 'applied' ? first.etag : ('' as ETag)
    expect(await put({ ifMatch })).toMatchObject({ outcome: 'applied' })
  })

  it('has the other conditions too, where it knows them', async () => {
    const server = await fake({
      profile: 'ceph',
      quirks: { conditionalComplete: 'honoured', conditionalDelete: 'honoured' },
    })
    expect((await probe(server)).capabilities).toMatchObject({
      conditionalComplete: 'atomic',
      conditionalDelete: 'atomic',
    })
  })
})

it('keeps quotes on a store that takes both, and says why each thing is missing', async () => {
  const server = await fake({ profile: 'runpod' })
  const { quotedConditions, reasons, capabilities } = await probe(server)
  expect(quotedConditions).toBe(true)
  expect(capabilities).toMatchObject({ conditionalPut: 'none', objectMetadata: false, listParts: true })
  expect(reasons).toEqual({
    conditionalPut: expect.stringContaining('ignores conditional writes'),
    conditionalComplete: expect.stringContaining('ignores If-None-Match'),
    conditionalDelete: expect.stringContaining('ignores If-Match'),
    objectMetadata: 'forgets the content type',
    batchDelete: expect.stringContaining('refuses it'),
    presign: 'answers 401 to a signed URL',
  })
})

it.each([50, 700])(
  'leaves nothing on a store that joins %i ms after it has answered with a time-out',
  async (mergeMs) => {
    const server = await fake({ profile: 'runpod', quirks: { completeGoesOn: { every: 1, mergeMs } } })
    const { reasons } = await probe(server)
    expect(reasons.conditionalComplete).toContain('ignores If-None-Match')
    await clock.sleep(mergeMs + 100, signal)
    expect(server.keys()).toEqual([])
  },
)

it('does not take an answer that was lost for a condition that was ignored', async () => {
  const server = await fake({ profile: 'aws' })
  server.inject('CompleteMultipartUpload', 1, { when: 'before-commit', answer: { status: 500 } })
  const { reasons } = await probe(server)
  expect(reasons.conditionalComplete).toContain('500')
})

it('a store that looks before it writes, and lets racers win, is not called atomic', async () => {
  const server = await fake({ profile: 'aws' })
  // Those who race get the answers of a store that looked before the others wrote.
  let racers = 0
  server.inject('PutObject', 'every', { delayMs: 1 })
  const client = clientOf(server)
  client.middlewareStack.add(
    (next) => async (args) => {
      const { headers, path } = args.request as { headers: Record<string, string>; path: string }
      if (path.endsWith('-race') && ++racers > 1) delete headers['if-none-match']
      return next(args)
    },
    { step: 'build', name: 'looksOnly' },
  )
  const { capabilities, reasons } = await probeCapabilities(bucketOf(server, client), {
    known: {},
    nonce: 'n',
    signal,
  })
  expect(capabilities).toMatchObject({ conditionalPut: 'none', conditionalDelete: 'atomic' })
  expect(reasons.conditionalPut).toMatch(/racing writers won|is not there/)
})

it('leaves no upload open when parts are refused half-way', async () => {
  const server = await fake({ profile: 'aws' })
  server.inject('UploadPart', 'every', { when: 'before-commit', answer: { status: 403 } })
  const { capabilities } = await probe(server)
  expect(capabilities).toMatchObject({ listParts: false, abortMultipart: false, conditionalComplete: 'none' })
  expect(server.count('CreateMultipartUpload')).toBeGreaterThan(2)
  expect({ uploads: server.openUploads(), keys: server.keys() }).toEqual({ uploads: [], keys: [] })
})

it('leaves nothing when the caller has left in the middle', async () => {
  const server = await fake({ profile: 'aws' })
  const controller = new AbortController()
  server.inject('UploadPart', [1], { delayMs: 200 })
  const left = storeOn(server).capabilities({ signal: controller.signal })
  while (server.count('UploadPart') === 0) await new Promise((resolve) => setTimeout(resolve, 2))
  controller.abort(new Error('left'))
  await expect(left).rejects.toThrow('left')
  expect({ uploads: server.openUploads(), keys: server.keys() }).toEqual({ uploads: [], keys: [] })
})

it('a store that refuses a batch as unknown, though it knew them, is not asked for one again', async () => {
  const server = await fake({ profile: 'aws' })
  const store = storeOn(server)
  expect(await store.capabilities({ signal })).toMatchObject({ batchDelete: true })
  server.inject('DeleteObjects', 'every', { when: 'before-commit', answer: { status: 501 } })
  const before = server.count('DeleteObjects')
  for (let i = 0; i < 3; i++) {
    expect(await store.deleteMany([key], { signal })).toEqual([{ key, error: undefined }])
  }
  expect(server.count('DeleteObjects') - before).toBe(1)
  expect(await store.capabilities({ signal })).toMatchObject({ batchDelete: false })
})
