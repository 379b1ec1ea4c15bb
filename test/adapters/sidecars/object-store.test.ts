import { describe, expect, it } from 'vitest'
import { createMemoryObjectStore } from '../../../src/adapters/memory/object-store.ts'
import { withSidecars } from '../../../src/adapters/sidecars/object-store.ts'
import { StoreUnavailable } from '../../../src/ports/errors.ts'
import { type ObjectKey, parseObjectKey } from '../../../src/ports/object-key.ts'
import type { ObjectStore } from '../../../src/ports/object-store.ts'
import { everyKey } from '../../app/memory-service.ts'
import { memoryCapabilities } from '../../contract/capabilities.ts'
import { describeObjectStore } from '../../contract/object-store.ts'
import { createForgetfulStore } from './forgetful-store.ts'

const { signal } = new AbortController()
const key = parseObjectKey('files/photo.png')
const body = new TextEncoder().encode('abc')
const facts = {
  contentType: 'image/x-special',
  checksums: { crc32: '352441c2', sha256: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad' },
  attributes: { run: '7' },
}
const guessed = { contentType: 'image/png', checksums: undefined, attributes: {} }
const put = { signal, when: 'always', ...facts } as const
const isSidecar = (at: ObjectKey) => at.startsWith('sidecars/')

/** Everything that is logged, and every call of the store by its name and key. */
function watched(store: ObjectStore) {
  const events: string[] = []
  const calls: string[] = []
  const noting =
    <Rest extends unknown[], Result>(name: string, call: (at: ObjectKey, ...rest: Rest) => Result) =>
    (at: ObjectKey, ...rest: Rest): Result => {
      calls.push(`${name} ${at.replace(/[0-9a-f]{64}/, '…')}`)
      return call(at, ...rest)
    }
  const inner: ObjectStore = {
    ...store,
    capabilities: (options) => {
      calls.push('capabilities')
      return store.capabilities(options)
    },
    put: noting('put', store.put),
    get: noting('get', store.get),
    head: noting('head', store.head),
    delete: noting('delete', store.delete),
  }
  return { inner, calls, events, log: { warn: (event: string) => events.push(event) } }
}

const quiet = { warn: () => {} }

describeObjectStore('sidecars over a store that forgets', {
  supports: { ...memoryCapabilities, metadataBeside: true },
  async open() {
    const forgetful = createForgetfulStore()
    const log = quiet
    return {
      store: withSidecars(forgetful, { log }),
      other: withSidecars(forgetful, { log }),
      close: async () => {},
    }
  },
})

describe('a sidecar', () => {
  it('describes the version that it was written for, and no other', async () => {
    const forgetful = createForgetfulStore()
    const store = withSidecars(forgetful, { log: quiet })
    await store.put(key, body, put)
    expect(await store.head(key, { signal })).toMatchObject(facts)
    await forgetful.put(key, new TextEncoder().encode('by another'), { ...put })
    expect(await store.head(key, { signal })).toMatchObject(guessed)
  })

  it('goes with its object, also when many go', async () => {
    const forgetful = createForgetfulStore()
    const store = withSidecars(forgetful, { log: quiet })
    const keys = ['files/a', 'files/b', 'files/c'].map(parseObjectKey)
    for (const each of keys) await store.put(each, body, put)
    expect(await everyKey(forgetful)).toHaveLength(6)
    await store.delete(keys[0] ?? key, { signal })
    await store.deleteMany(keys.slice(1), { signal })
    expect(await everyKey(forgetful)).toEqual([])
  })

  it('of an upload lasts until the upload is over', async () => {
    const forgetful = createForgetfulStore()
    const store = withSidecars(forgetful, { log: quiet })
    const open = () => store.createMultipart(key, { signal, ...facts })
    const aborted = await open()
    expect(await everyKey(forgetful)).toEqual([expect.stringMatching(/^sidecars\/uploads\/[0-9a-f]{64}\.json$/)])
    await store.abortMultipart(aborted, { signal })
    expect(await everyKey(forgetful)).toEqual([])
    const upload = await open()
    const part = await store.putPart(upload, 1, body, { signal })
    await store.completeMultipart(upload, [part], { signal, when: 'always' })
    expect(await store.head(key, { signal })).toMatchObject(facts)
    expect(await everyKey(forgetful)).toEqual([key, expect.stringMatching(/^sidecars\/[0-9a-f]{64}\.json$/)])
  })

  it('that cannot be written, read or removed fails nothing, and is told to the log', async () => {
    const down = () => Promise.reject(new StoreUnavailable('down'))
    const forgetful = createForgetfulStore()
    const { inner, events, log } = watched({
      ...forgetful,
      put: (at, ...rest) => (isSidecar(at) ? down() : forgetful.put(at, ...rest)),
      get: (at, options) => (isSidecar(at) ? down() : forgetful.get(at, options)),
      deleteMany: (keys, options) => (keys.some(isSidecar) ? down() : forgetful.deleteMany(keys, options)),
    })
    const store = withSidecars(inner, { log })
    expect(await store.put(key, body, put)).toMatchObject({ outcome: 'applied' })
    expect(await store.head(key, { signal })).toMatchObject(guessed)
    expect(await new Response((await store.get(key, { signal }))?.body).text()).toBe('abc')
    expect(await store.delete(key, { signal })).toEqual({ outcome: 'applied' })
    expect(events).toEqual(['sidecar-not-written', 'sidecar-not-read', 'sidecar-not-read', 'sidecars-not-removed'])
  })

  it.each(['', '{', 'null', '[]', '{"key":"files/photo.png"}', `{"key":"files/photo.png","contentType":"a/b"}`])(
    'that says %j is no sidecar',
    async (json) => {
      const forgetful = createForgetfulStore()
      const store = withSidecars(forgetful, { log: quiet })
      await store.put(key, body, put)
      const [sidecar = key] = (await everyKey(forgetful, 'sidecars/')).map(parseObjectKey)
      await forgetful.put(sidecar, new TextEncoder().encode(json), put)
      expect(await store.head(key, { signal })).toMatchObject(guessed)
    },
  )

  it('is not written for a write that was rejected, or whose answer was lost', async () => {
    const forgetful = createForgetfulStore()
    const lost = { outcome: 'unknown', cause: new StoreUnavailable('lost') } as const
    const losing = withSidecars(
      { ...forgetful, put: async (...args) => forgetful.put(...args).then(() => lost) },
      { log: quiet },
    )
    expect(await losing.put(key, body, put)).toBe(lost)
    const store = withSidecars(forgetful, { log: quiet })
    expect(await store.put(key, body, { ...put, when: 'if-absent' })).toEqual({ outcome: 'rejected' })
    expect(await everyKey(forgetful)).toEqual([key])
  })

  it("ends with the caller's reason when he leaves", async () => {
    const forgetful = createForgetfulStore()
    const controller = new AbortController()
    const store = withSidecars(
      {
        ...forgetful,
        put(at, ...rest) {
          if (isSidecar(at)) controller.abort(new Error('the caller left'))
          return forgetful.put(at, ...rest)
        },
      },
      { log: quiet },
    )
    await expect(store.put(key, body, { ...put, signal: controller.signal })).rejects.toThrow('the caller left')
  })

  it('is kept of covered keys alone', async () => {
    const { inner, calls, log } = watched(createForgetfulStore())
    const store = withSidecars(inner, { log, covers: (at) => at.startsWith('files/') })
    const state = parseObjectKey('processes/state/1.json')
    await store.put(state, body, put)
    await store.head(state, { signal })
    await store.delete(state, { signal })
    expect(calls).toEqual([
      'put processes/state/1.json',
      'head processes/state/1.json',
      'delete processes/state/1.json',
    ])
  })
})

describe('a store that keeps metadata itself', () => {
  it('is asked for nothing more', async () => {
    const { inner, calls, log } = watched(createMemoryObjectStore({ nowMs: Date.now }))
    const store = withSidecars(inner, { log })
    await store.put(key, body, put)
    expect(await store.head(key, { signal })).toMatchObject(facts)
    await (await store.get(key, { signal }))?.body.cancel()
    await store.delete(key, { signal })
    expect(calls).toEqual(['capabilities', `put ${key}`, `head ${key}`, `get ${key}`, `delete ${key}`])
    expect(await store.capabilities({ signal })).toEqual(await inner.capabilities({ signal }))
  })

  it('is not even tried for a read that brings its facts', async () => {
    const { inner, calls, log } = watched(createMemoryObjectStore({ nowMs: Date.now }))
    await inner.put(key, body, put)
    calls.length = 0
    await withSidecars(inner, { log }).head(key, { signal })
    expect(calls).toEqual([`head ${key}`])
  })
})

it('a store that cannot be tried is taken at its word', async () => {
  const memory = createMemoryObjectStore({ nowMs: Date.now })
  await memory.put(key, body, { signal, when: 'always', contentType: 'image/png' })
  const untried = { ...memory, capabilities: () => Promise.reject(new StoreUnavailable('read only')) }
  expect(await withSidecars(untried, { log: quiet }).head(key, { signal })).toMatchObject(guessed)
})

it('readers do not go on trying a store that cannot be tried', async () => {
  const memory = createMemoryObjectStore({ nowMs: Date.now })
  await memory.put(key, body, { signal, when: 'always', contentType: 'image/png' })
  let [trials, nowMs] = [0, 0]
  const untried: ObjectStore = {
    ...memory,
    capabilities() {
      trials += 1
      return Promise.reject(new StoreUnavailable('read only'))
    },
  }
  const store = withSidecars(untried, { log: quiet, nowMs: () => nowMs })
  for (let i = 0; i < 3; i++) await store.head(key, { signal })
  await (await store.get(key, { signal }))?.body.cancel()
  expect(trials).toBe(1)
  nowMs += 60_000
  await store.head(key, { signal })
  expect(trials).toBe(2)
})
