import { describe, expect, it } from 'vitest'
import { createMemoryObjectStore } from '../../../src/adapters/memory/object-store.ts'
import { createSystemClock } from '../../../src/adapters/system/clock.ts'
import { examineStore } from '../../../src/domain/doctor/examine-store.ts'
import { StoreDenied, StoreUnavailable } from '../../../src/ports/errors.ts'
import type { ListPage, ObjectStore } from '../../../src/ports/object-store.ts'
import type { StoreFinding } from '../../../src/ports/store-finding.ts'
import { everyKey, unending } from '../../app/memory-service.ts'

const clock = createSystemClock()
const limits = { eachMs: 20_000, allMs: 60_000 }

const memory = () => createMemoryObjectStore(clock)
const examine = (store: ObjectStore, signal = unending) =>
  examineStore({ store, examiner: undefined, nonce: 'n', clock, limits }, { signal })

const broken = ({ findings }: { findings: readonly StoreFinding[] }) =>
  findings.filter(({ verdict }) => verdict === 'broken').map(({ check }) => check)

/** What is wrong with the store, and the checks that must notice. */
const faults: Record<string, { of: (store: ObjectStore) => Partial<ObjectStore>; noticed: string[] }> = {
  'deletes nothing': {
    of: () => ({
      delete: async () => ({ outcome: 'applied' }),
      deleteMany: async (keys) => keys.map((key) => ({ key, error: undefined })),
    }),
    noticed: ['read after write', 'list after write', 'batch delete'],
  },
  'lets two racing writers win': {
    of: (store) => ({
      async put(key, body, options) {
        const { when } = options
        if (when === 'always') return store.put(key, body, options)
        // As gateways over file systems do: it looks, and writes a moment later.
        const current = await store.head(key, options)
        await clock.sleep(2, options.signal)
        const holds = when === 'if-absent' ? current === undefined : current?.etag === when.ifMatch
        return holds ? store.put(key, body, { ...options, when: 'always' }) : { outcome: 'rejected' }
      },
    }),
    noticed: ['conditional put'],
  },
  'ignores If-Match on deletes': {
    of: (store) => ({ delete: (key, { signal }) => store.delete(key, { signal }) }),
    noticed: ['conditional delete'],
  },
  'ignores conditions on completion': {
    of: (store) => ({
      completeMultipart: (upload, parts, options) =>
        store.completeMultipart(upload, parts, { ...options, when: 'always' }),
    }),
    noticed: ['conditional complete'],
  },
  'gives suffixes from the start': {
    of: (store) => ({
      get: (key, { range, ...options }) =>
        store.get(key, {
          ...options,
          ...(range !== undefined && {
            range: 'suffixLength' in range ? { offset: 0, length: range.suffixLength } : range,
          }),
        }),
    }),
    noticed: ['ranges'],
  },
  'forgets what it is told': {
    of: (store) => ({
      put: (key, body, { signal, when }) => store.put(key, body, { signal, when, contentType: 'binary/octet-stream' }),
    }),
    noticed: ['metadata'],
  },
  'never lists the last object': {
    of: (store) => ({
      async list(options): Promise<ListPage> {
        const page = await store.list(options)
        return page.cursor === undefined ? { ...page, objects: page.objects.slice(0, -1) } : page
      },
    }),
    noticed: ['list after write', 'listing'],
  },
  'loses parts': {
    of: (store) => ({
      completeMultipart: (upload, parts, options) => store.completeMultipart(upload, parts.slice(0, 1), options),
    }),
    noticed: ['multipart'],
  },
  'reads another object': {
    of: (store) => ({
      get: async (key, options) =>
        (await store.get(key, options)) && store.get(key, { ...options, range: { offset: 1 } }),
    }),
    noticed: ['write and read'],
  },
  'cannot open uploads': {
    of: () => ({
      createMultipart: async () => {
        throw new StoreDenied('403')
      },
    }),
    noticed: ['multipart'],
  },
}

describe('the examination of a store', () => {
  it('finds nothing broken in a whole one, says what it can do, and leaves nothing behind', async () => {
    const store = memory()
    const report = await examine(store)
    expect(broken(report)).toEqual([])
    expect(report).toMatchObject({ complete: true, capabilities: { conditionalPut: 'atomic' } })
    expect(report.findings.map(({ check }) => check)).toContain('conditional complete')
    expect(await everyKey(store)).toEqual([])
  })

  it.each(Object.entries(faults))('notices a store that %s', async (_, { of, noticed }) => {
    const store = memory()
    const report = await examine({ ...store, ...of(store) })
    expect(broken(report)).toEqual(expect.arrayContaining(noticed))
  })

  it('says once that it is denied, and stops', async () => {
    const store: ObjectStore = {
      ...memory(),
      put: async () => {
        throw new StoreDenied('the store refused: 403')
      },
    }
    const report = await examine(store)
    expect(report.complete).toBe(false)
    expect(report.findings).toEqual([
      { check: 'write and read', verdict: 'broken', detail: 'the store refused: 403', fix: expect.any(String) },
    ])
  })

  it('stops when the store goes away in between, and says so', async () => {
    const store = memory()
    let calls = 0
    const gone = async () => {
      throw new StoreUnavailable('the store did not answer: ECONNREFUSED', { effect: 'never-sent' })
    }
    const leaving: ObjectStore = {
      ...store,
      get: (key, options) => (++calls > 6 ? gone() : store.get(key, options)),
      head: (key, options) => (calls > 6 ? gone() : store.head(key, options)),
    }
    const report = await examine(leaving)
    expect(report.complete).toBe(false)
    expect(broken(report)).toEqual(['read after write', 'reach'])
  })

  it('makes an examination once more that met a failure, and tells of it', async () => {
    const store = memory()
    let puts = 0
    const report = await examine({
      ...store,
      async put(...call) {
        puts += 1
        if (puts === 10) throw new StoreUnavailable('the store answered 503 SlowDown')
        return store.put(...call)
      },
    })
    expect(broken(report)).toEqual([])
    expect(report.findings.at(-1)).toMatchObject({ check: 'steadiness', verdict: 'works', fix: expect.any(String) })
  })

  it('is bounded when calls never end', async () => {
    const store = memory()
    const hanging: ObjectStore = {
      ...store,
      head: (_, { signal }) =>
        new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    }
    const startedAtMs = Date.now()
    const report = await examineStore(
      { store: hanging, examiner: undefined, nonce: 'n', clock, limits: { eachMs: 200, allMs: 2_000 } },
      { signal: unending },
    )
    expect(Date.now() - startedAtMs).toBeLessThan(20_000)
    expect(broken(report)).toContain('round trips')
    expect(await everyKey(store)).toEqual([])
  })

  it('is bounded by its signal too when calls are deaf to theirs', async () => {
    const controller = new AbortController()
    const reason = new Error('interrupted')
    const deaf: ObjectStore = { ...memory(), head: () => new Promise(() => {}) }
    const examining = examine(deaf, controller.signal)
    setTimeout(() => controller.abort(reason), 100)
    await expect(examining).rejects.toBe(reason)
    const limited = { store: deaf, examiner: undefined, nonce: 'n', clock, limits: { eachMs: 50, allMs: 1_000 } }
    expect(broken(await examineStore(limited, { signal: unending }))).toContain('round trips')
  })

  it('does not begin what it has no time for', async () => {
    const report = await examineStore(
      { store: memory(), examiner: undefined, nonce: 'n', clock, limits: { eachMs: 100, allMs: 0 } },
      { signal: unending },
    )
    expect(report).toMatchObject({ complete: false, findings: [{ check: 'time', verdict: 'broken' }] })
  })

  it('tidies up when it is interrupted, and then throws the reason', async () => {
    const store = memory()
    const controller = new AbortController()
    const reason = new Error('interrupted')
    let completed = 0
    const interrupting: ObjectStore = {
      ...store,
      async putPart(...call) {
        const part = await store.putPart(...call)
        completed += 1
        controller.abort(reason)
        return part
      },
    }
    await expect(examine(interrupting, controller.signal)).rejects.toBe(reason)
    expect(completed).toBe(1)
    expect(await everyKey(store)).toEqual([])
  })
})
