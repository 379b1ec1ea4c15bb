import { describe, expect, it } from 'vitest'
import { createMemoryObjectStore } from '../../../src/adapters/memory/object-store.ts'
import { createDigests } from '../../../src/adapters/node-crypto/digests.ts'
import { createObjectRecords } from '../../../src/domain/object/object-record.ts'
import { createOpenUploads } from '../../../src/domain/object/open-uploads.ts'
import { storeObject } from '../../../src/domain/object/store-object.ts'
import { StoreDenied, StoreUnavailable } from '../../../src/ports/errors.ts'
import { parseObjectKey } from '../../../src/ports/object-key.ts'
import type { ObjectStore } from '../../../src/ports/object-store.ts'

const { signal } = new AbortController()
const MiB = 2 ** 20
const hourMs = 3_600_000
const text = { signal, contentType: 'text/plain' }
const digests = createDigests()

function stage(wrap: (memory: ObjectStore) => Partial<ObjectStore> = () => ({})) {
  let nowMs = Date.parse('2026-03-01T12:00:00.000Z')
  const clock = { nowMs: () => nowMs, sleep: async () => {} }
  const memory = createMemoryObjectStore(clock)
  const store: ObjectStore = { ...memory, ...wrap(memory) }
  const events: string[] = []
  const tell = (event: string) => void events.push(event)
  const log = { debug: tell, info: tell, warn: tell, error: tell }
  /** As another process would have it, which has swept nothing yet. */
  const open = () => createOpenUploads({ store, digests, clock, log })
  const uploads = open()
  return {
    store,
    memory,
    uploads,
    open,
    events,
    pass: (ms: number) => {
      nowMs += ms
    },
    notes: async () => (await memory.list({ prefix: 'open-uploads/', limit: 1000, signal })).objects.length,
    upload: async (body: AsyncIterable<Uint8Array>) =>
      storeObject(
        { store, digests, records: createObjectRecords({ store, digests }), uploads, log },
        parseObjectKey('files/a'),
        body,
        {
          ...text,
          when: 'always',
          maxBytes: 64 * MiB,
          windowBytes: 32 * MiB,
          sizeBytes: undefined,
          sha256: undefined,
        },
      ),
  }
}

async function* body(breaksAt = Number.POSITIVE_INFINITY) {
  for (let sent = 0; sent < 20; sent++) {
    if (sent === breaksAt) throw new Error('the client left')
    yield new Uint8Array(MiB)
  }
}

/** A begun upload of which a process knew that was killed. */
async function orphan({ store, open }: ReturnType<typeof stage>) {
  const upload = await store.createMultipart(parseObjectKey('files/orphan'), text)
  await open().note(upload, { signal })
  await store.putPart(upload, 1, new Uint8Array(3), { signal })
  await quiet()
  return upload
}

/** Until a sweep that was begun on the way is over. */
const quiet = () => new Promise((resolve) => setTimeout(resolve, 10))

describe('an upload', () => {
  it('is noted while it is open, and not after it has ended, well or not', async () => {
    let whileOpen = 0
    const on = stage((memory) => ({
      async putPart(...args) {
        whileOpen = (await memory.list({ prefix: 'open-uploads/', limit: 9, signal })).objects.length
        return memory.putPart(...args)
      },
    }))
    await on.upload(body())
    expect([whileOpen, await on.notes()]).toEqual([1, 0])
    await expect(on.upload(body(18))).rejects.toThrow('the client left')
    expect(await on.notes()).toBe(0)
  })

  it('is made all the same when it cannot be noted, and that is told', async () => {
    const on = stage((memory) => ({
      put: (key, ...rest) =>
        key.startsWith('open-uploads/') ? Promise.reject(new StoreUnavailable('down')) : memory.put(key, ...rest),
    }))
    expect(await on.upload(body())).toMatchObject({ sizeBytes: 20 * MiB })
    expect(on.events).toContain('upload-not-noted')
  })
})

describe('an upload that was left open', () => {
  it('is dropped by the next who uploads, two days later', async () => {
    const on = stage()
    const upload = await orphan(on)
    on.pass(49 * hourMs)
    await on.upload(body())
    await quiet()
    await expect(on.store.listParts(upload, { signal })).rejects.toMatchObject({ code: 'upload-not-found' })
    expect(await on.notes()).toBe(0)
    expect(on.events).toEqual(['swept'])
  })

  it('is left alone while it may still go on, and for ever when it is none of ours', async () => {
    const on = stage()
    const foreign = await on.store.createMultipart(parseObjectKey('files/foreign'), text)
    await on.store.putPart(foreign, 1, new Uint8Array(3), { signal })
    on.pass(100 * hourMs)
    const young = await orphan(on)
    on.pass(47 * hourMs)
    await on.upload(body())
    await quiet()
    for (const upload of [foreign, young]) expect(await on.store.listParts(upload, { signal })).toHaveLength(1)
  })

  it('is looked for once an hour at most', async () => {
    const lists: string[] = []
    const on = stage((memory) => ({
      list: (options) => {
        lists.push(options.prefix)
        return memory.list(options)
      },
    }))
    for (const hours of [0, 0.5, 0.6]) {
      on.pass(hours * hourMs)
      await on.upload(body())
      await quiet()
    }
    expect(lists).toEqual(['open-uploads/', 'open-uploads/'])
  })

  it('that cannot be dropped does not keep the others', async () => {
    const on = stage((memory) => ({
      abortMultipart: (upload, options) =>
        upload.key === 'files/stuck' ? Promise.reject(new StoreDenied('no')) : memory.abortMultipart(upload, options),
    }))
    await on.open().note(await on.store.createMultipart(parseObjectKey('files/stuck'), text), { signal })
    for (let i = 0; i < 8; i++) await orphan(on)
    on.pass(49 * hourMs)
    await on.upload(body())
    await quiet()
    expect(await on.notes()).toBe(1)
  })

  it('is tried again the next time when the store is away, and was joined after all: nothing is lost', async () => {
    let down = true
    const on = stage((memory) => ({
      abortMultipart: (...args) =>
        down ? Promise.reject(new StoreUnavailable('down')) : memory.abortMultipart(...args),
    }))
    const upload = await orphan(on)
    on.pass(49 * hourMs)
    await on.open().note(await on.store.createMultipart(parseObjectKey('files/b'), text), { signal })
    await quiet()
    expect(on.events).toEqual(['not-swept'])
    await on.store.completeMultipart(upload, await on.store.listParts(upload, { signal }), { signal, when: 'always' })
    down = false
    await on.open().note(await on.store.createMultipart(parseObjectKey('files/c'), text), { signal })
    await quiet()
    expect((await on.store.head(upload.key, { signal }))?.sizeBytes).toBe(3)
    // Those of b and c.
    expect(await on.notes()).toBe(2)
  })
})
