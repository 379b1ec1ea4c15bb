import { describe, expect, it } from 'vitest'
import { createMemoryObjectStore } from '../../../src/adapters/memory/object-store.ts'
import { createDigests } from '../../../src/adapters/node-crypto/digests.ts'
import { createObjectRecords } from '../../../src/domain/object/object-record.ts'
import { storeObject } from '../../../src/domain/object/store-object.ts'
import { InvalidParts, PreconditionFailed, StoreUnavailable, UploadNotFound } from '../../../src/ports/errors.ts'
import type { Log } from '../../../src/ports/log.ts'
import { parseObjectKey } from '../../../src/ports/object-key.ts'
import type { ObjectStore, PutCondition } from '../../../src/ports/object-store.ts'

const { signal } = new AbortController()
const digests = createDigests()
const MiB = 2 ** 20
const key = parseObjectKey('files/a')
const memoryStore = () => createMemoryObjectStore({ nowMs: Date.now })
const log = { debug() {}, info() {}, warn() {}, error() {} }
/** Of no interest here. */
const uploads = { note: async () => {}, forget: async () => {} }
const lost = () => ({ outcome: 'unknown', cause: new StoreUnavailable('the answer was lost') }) as const

async function* chunks(sizeBytes: number, fill = 7) {
  for (let sent = 0; sent < sizeBytes; sent += MiB) yield new Uint8Array(Math.min(MiB, sizeBytes - sent)).fill(fill)
}

const write = (store: ObjectStore, sizeBytes: number, when: PutCondition, fill?: number, to: Log = log) =>
  storeObject(
    { store, digests, records: createObjectRecords({ store, digests }), uploads, log: to },
    key,
    chunks(sizeBytes, fill),
    {
      contentType: 'application/octet-stream',
      when,
      maxBytes: 64 * MiB,
      windowBytes: 32 * MiB,
      sizeBytes: undefined,
      sha256: undefined,
      signal,
    },
  )

describe('a write whose answer is lost', () => {
  it('is a success when the object is there with just these bytes', async () => {
    const memory = memoryStore()
    const store: ObjectStore = { ...memory, put: (...args) => memory.put(...args).then(lost) }
    const { etag } = await write(store, 100, 'if-absent')
    expect((await memory.head(key, { signal }))?.etag).toBe(etag)
  })

  it('is refused when others have their bytes there', async () => {
    const memory = memoryStore()
    await write(memory, 100, 'always', 1)
    const store: ObjectStore = { ...memory, put: async () => lost() }
    await expect(write(store, 100, 'if-absent', 2)).rejects.toBeInstanceOf(PreconditionFailed)
  })

  it('stays unknown while it may still arrive', async () => {
    const store: ObjectStore = { ...memoryStore(), put: async () => lost() }
    await expect(write(store, 100, 'if-absent')).rejects.toBeInstanceOf(StoreUnavailable)
  })

  it('stays unknown where the store cannot tell whose bytes are there', async () => {
    const memory = memoryStore()
    const store: ObjectStore = {
      ...memory,
      completeMultipart: (...args) => memory.completeMultipart(...args).then(lost),
    }
    await expect(write(store, 20 * MiB, 'if-absent')).rejects.toBeInstanceOf(StoreUnavailable)
    expect((await memory.head(key, { signal }))?.sizeBytes).toBe(20 * MiB)
  })

  it('leaves the parts to a store that may still be joining them', async () => {
    const memory = memoryStore()
    let aborted = 0
    const store: ObjectStore = {
      ...memory,
      completeMultipart: async () => lost(),
      async abortMultipart(...args) {
        aborted += 1
        await memory.abortMultipart(...args)
      },
    }
    const events: string[] = []
    const heard = { ...log, warn: (event: string) => void events.push(event) }
    await expect(write(store, 20 * MiB, 'always', 7, heard)).rejects.toBeInstanceOf(StoreUnavailable)
    expect(aborted).toBe(0)
    expect(events).toEqual(['multipart-left-open'])
  })
})

it('frees the parts of an upload whose body breaks off, and nothing appears', async () => {
  const memory = memoryStore()
  let aborted = 0
  const store: ObjectStore = {
    ...memory,
    async abortMultipart(...args) {
      aborted += 1
      await memory.abortMultipart(...args)
    },
  }
  const broken = (async function* () {
    yield* chunks(20 * MiB)
    throw new Error('the client left')
  })()
  const records = createObjectRecords({ store, digests })
  const options = { contentType: 'a/b', when: 'always', maxBytes: 64 * MiB, windowBytes: 32 * MiB } as const
  const writing = storeObject({ store, digests, records, uploads, log }, key, broken, {
    ...options,
    sizeBytes: undefined,
    sha256: undefined,
    signal,
  })
  await expect(writing).rejects.toThrow('the client left')
  expect(aborted).toBe(1)
  expect(await memory.head(key, { signal })).toBeUndefined()
})

describe('an upload that the store has lost', () => {
  const memory = memoryStore()
  const gone = async () => {
    throw new UploadNotFound('no such upload')
  }

  it.each([
    ['while parts are sent', { ...memory, putPart: gone }],
    ['when they are joined', { ...memory, completeMultipart: gone }],
    ['in one of its parts', { ...memory, completeMultipart: () => Promise.reject(new InvalidParts('no part 2')) }],
  ])('%s is a failure of the store, and not of the caller', async (_, store) => {
    await expect(write(store, 20 * MiB, 'always')).rejects.toMatchObject({ code: 'store-unavailable' })
    expect(await memory.head(key, { signal })).toBeUndefined()
  })
})

it('is refused as soon as it needs more parts than the store joins, before more is read or held', async () => {
  const memory = memoryStore()
  const sent: number[] = []
  const store: ObjectStore = {
    ...memory,
    capabilities: async (options) => ({ ...(await memory.capabilities(options)), maxParts: 2 }),
    putPart(upload, partNumber, body, options) {
      sent.push(body.byteLength)
      return memory.putPart(upload, partNumber, body, options)
    },
  }
  await expect(write(store, 40 * MiB, 'always')).rejects.toMatchObject({
    code: 'too-large',
    message: expect.stringContaining('announce the length'),
  })
  expect(sent.reduce((sum, bytes) => sum + bytes, 0)).toBeLessThanOrEqual(16 * MiB)
  await write(store, 16 * MiB, 'always')
  expect((await memory.head(key, { signal }))?.sizeBytes).toBe(16 * MiB)
})
