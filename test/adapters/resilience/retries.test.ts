import { describe, expect, it } from 'vitest'
import { PreconditionFailed, StoreDenied, StoreMisbehaved, StoreUnavailable } from '../../../src/ports/errors.ts'
import { parseObjectKey } from '../../../src/ports/object-key.ts'
import type { ETag, ObjectStore } from '../../../src/ports/object-store.ts'
import {
  createFailingStore,
  type FailingStore,
  guard,
  maybeSent,
  neverSent,
  type Trouble,
  thrown,
} from './failing-store.ts'

const { signal } = new AbortController()
const key = parseObjectKey('k')
const body = new Uint8Array([1, 2, 3])
const text = { signal, contentType: 'text/plain' }

/** What a call asks in place of its repetition, while an earlier attempt may have been heard. */
const looksAt: Readonly<Record<string, string>> = { put: 'head', delete: 'head' }

const repeatable: [method: string, call: (store: ObjectStore) => Promise<unknown>][] = [
  ['capabilities', (store) => store.capabilities({ signal })],
  ['head', (store) => store.head(key, { signal })],
  ['storedCrc32', async (store) => store.storedCrc32?.(key, { signal, ifMatch: 'e' as ETag, sizeBytes: 3 })],
  ['get', (store) => store.get(key, { signal })],
  ['read', async (store) => store.read?.(key, { signal, maxBytes: 1 })],
  ['list', (store) => store.list({ signal, prefix: '', limit: 1 })],
  ['put', (store) => store.put(key, body, { ...text, when: 'always' })],
  ['delete', (store) => store.delete(key, { signal })],
  ['deleteMany', (store) => store.deleteMany([key], { signal })],
  ['createMultipart', (store) => store.createMultipart(key, text)],
  ['putPart', (store) => store.putPart({ key, uploadId: 'u' }, 1, body, { signal }).catch(() => {})],
  ['listParts', (store) => store.listParts({ key, uploadId: 'u' }, { signal }).catch(() => {})],
  ['abortMultipart', (store) => store.abortMultipart({ key, uploadId: 'u' }, { signal })],
]

describe('a call that may as well be made twice', () => {
  it.each(repeatable)('%s is tried again until it works', async (method, call) => {
    const failing = createFailingStore()
    const { store, events } = guard(failing.store)
    failing.next({ throws: maybeSent() }, 'hangs', { throws: neverSent() })
    expect(await thrown(call(store))).not.toBeInstanceOf(Error)
    const again = looksAt[method] ?? method
    // A put that is not seen to have happened is made again; a delete of what is not there has happened.
    expect(failing.calls).toEqual([method, again, again, again, ...(method === 'put' ? ['put'] : [])])
    const retries = events.filter(({ event }) => event === 'store-retry')
    expect(retries.map(({ fields }) => [fields?.operation, fields?.retry])).toEqual([1, 2, 3].map((n) => [method, n]))
  })

  it('is given up after the last retry, with what went wrong', async () => {
    const failing = createFailingStore()
    const { store } = guard(failing.store, { retriesMax: 2 })
    const last = maybeSent()
    failing.next({ throws: maybeSent() }, { throws: maybeSent() }, { throws: last }, 'works')
    expect(await thrown(store.head(key, { signal }))).toBe(last)
    expect(failing.calls).toHaveLength(3)
  })

  it('waits as long as the store asks, if there is time for it', async () => {
    const failing = createFailingStore()
    const { store, events } = guard(failing.store)
    failing.next({ throws: new StoreUnavailable('slow down', { retryAfterMs: 50 }) })
    await store.head(key, { signal })
    expect(events).toMatchObject([{ fields: { waitMs: 50 } }])
    failing.next({ throws: new StoreUnavailable('slow down', { retryAfterMs: 60_000 }) })
    expect(await thrown(store.head(key, { signal }))).toMatchObject({ retryAfterMs: 60_000 })
    expect(failing.calls).toHaveLength(3)
  })

  it('is tried once more, or not at all, when the failure says so', async () => {
    for (const [again, calls] of [
      ['once', 2],
      ['never', 1],
    ] as const) {
      const failing = createFailingStore()
      failing.next(...Array.from({ length: 4 }, () => ({ throws: new StoreUnavailable('damaged', { again }) })))
      expect(await thrown(guard(failing.store).store.head(key, { signal }))).toBeInstanceOf(StoreUnavailable)
      expect(failing.calls).toHaveLength(calls)
    }
  })

  it('is not tried again when the store has answered', async () => {
    for (const answer of [new StoreDenied('no'), new StoreMisbehaved('what'), new PreconditionFailed('other')]) {
      const failing = createFailingStore()
      failing.next({ throws: answer })
      expect(await thrown(guard(failing.store).store.get(key, { signal }))).toBe(answer)
      expect(failing.calls).toHaveLength(1)
    }
  })

  describe('and sends a part of an upload', () => {
    const part = (store: ObjectStore) => store.putPart({ key, uploadId: 'u' }, 1, body, { signal })
    /** Answers as if there were such an upload. */
    const taking = (failing: FailingStore): ObjectStore => ({
      ...failing.store,
      async putPart(...args) {
        await failing.store.putPart(...args).catch((error: unknown) => {
          if (error instanceof StoreUnavailable) throw error
        })
        return { partNumber: 1, etag: 'e', sizeBytes: 3 }
      },
    })

    it('is made for longer, and does not close the store to others by that', async () => {
      const failing = createFailingStore()
      const { store, health } = guard(taking(failing), { sendAttempts: 20, retriesMax: 1 })
      failing.next(...Array.from({ length: 15 }, () => ({ throws: neverSent() })))
      expect(await part(store)).toMatchObject({ sizeBytes: 3 })
      expect(failing.calls).toHaveLength(16)
      expect(health().data.circuit).toBe('closed')
    })

    it('is not made for longer when the store asks for fewer calls', async () => {
      const failing = createFailingStore()
      const { store } = guard(taking(failing), { sendAttempts: 20, retriesMax: 2 })
      failing.next(...Array.from({ length: 9 }, () => ({ throws: new StoreUnavailable('429', { blame: 'load' }) })))
      expect(await thrown(part(store))).toMatchObject({ blame: 'load' })
      expect(failing.calls).toHaveLength(3)
    })

    it('waits while the circuit is open', async () => {
      const failing = createFailingStore()
      const { store, health } = guard(taking(failing), { sendAttempts: 20, retriesMax: 0 })
      failing.next(...Array.from({ length: 10 }, () => ({ throws: neverSent() })))
      for (let i = 0; i < 10; i++) await thrown(store.get(key, { signal }))
      expect(health().data.circuit).toBe('open')
      expect(await part(store)).toMatchObject({ sizeBytes: 3 })
      expect(failing.calls).toHaveLength(11)
    })
  })

  it('deletes again only those of many that failed', async () => {
    const failing = createFailingStore()
    const asked: number[] = []
    const { store } = guard({
      ...failing.store,
      async deleteMany(keys) {
        asked.push(keys.length)
        return keys.map((each, i) => ({ key: each, error: i % 2 === 1 ? maybeSent() : undefined }))
      },
    })
    const keys = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'].map(parseObjectKey)
    const results = await store.deleteMany(keys, { signal })
    expect(asked).toEqual([9, 4, 2, 1])
    expect(results).toEqual(keys.map((each) => ({ key: each, error: undefined })))
  })

  it('never throws out of a delete of many', async () => {
    const failing = createFailingStore()
    const { store } = guard(failing.store, { retriesMax: 0 })
    failing.next({ throws: neverSent() })
    expect(await store.deleteMany([key], { signal })).toMatchObject([{ key, error: { code: 'store-unavailable' } }])
  })
})

const guardedWrites: [name: string, call: (store: ObjectStore) => Promise<unknown>][] = [
  ['put if-absent', (store) => store.put(key, body, { ...text, when: 'if-absent' })],
  ['put if-match', (store) => store.put(key, body, { ...text, when: { ifMatch: 'e' as ETag } })],
  ['delete if-match', (store) => store.delete(key, { signal, ifMatch: 'e' as ETag })],
]

describe('a write that must not be made twice', () => {
  it.each(guardedWrites)('%s is unknown after one try that may have been heard', async (_, call) => {
    for (const trouble of ['hangs', { throws: maybeSent() }] satisfies Trouble[]) {
      const failing = createFailingStore()
      const { store } = guard(failing.store)
      failing.next(trouble, 'works')
      expect(await call(store)).toMatchObject({ outcome: 'unknown', cause: { code: 'store-unavailable' } })
      expect(failing.calls).toHaveLength(1)
    }
  })

  it.each(guardedWrites)('%s is tried again when it was never sent', async (_, call) => {
    const failing = createFailingStore()
    const { store } = guard(failing.store)
    failing.next({ throws: neverSent() }, { throws: neverSent() }, { throws: maybeSent() })
    expect(await call(store)).toMatchObject({ outcome: 'unknown' })
    expect(failing.calls).toHaveLength(3)
    failing.next(...Array.from({ length: 4 }, () => ({ throws: neverSent() })))
    expect(await thrown(call(store))).toMatchObject({ code: 'store-unavailable', effect: 'never-sent' })
  })

  it('is one write when its answer was lost', async () => {
    const failing = createFailingStore()
    const { store } = guard(failing.store)
    failing.next({ loses: maybeSent() })
    expect(await store.put(key, body, { ...text, when: 'if-absent' })).toMatchObject({ outcome: 'unknown' })
    expect(await store.put(key, body, { ...text, when: 'if-absent' })).toEqual({ outcome: 'rejected' })
  })

  it('without a condition is looked for before it is repeated: one write, whose answer was lost', async () => {
    const failing = createFailingStore()
    const { store, told } = guard(failing.store)
    const checksums = { crc32: '55bc801d', sha256: '039058c6f2c0cb492c533b0a4d14ef77cc0f78abccced5287d84a1a2011cfb81' }
    failing.next({ loses: maybeSent() })
    const put = await store.put(key, body, { ...text, when: 'always', checksums })
    expect(put).toEqual({ outcome: 'applied', etag: (await store.head(key, { signal }))?.etag })
    expect(failing.calls).toEqual(['put', 'head', 'head'])
    expect(told).toContainEqual({ event: 'settled', group: 'data', operation: 'put', verdict: 'landed' })
  })

  it('without a condition is applied by its second try, and unknown when one of its tries may have been heard', async () => {
    const failing = createFailingStore()
    const { store } = guard(failing.store)
    failing.next({ loses: maybeSent() })
    expect(await store.put(key, body, { ...text, when: 'always' })).toMatchObject({ outcome: 'applied' })
    failing.next({ throws: maybeSent() }, ...Array.from({ length: 3 }, () => ({ throws: neverSent() })))
    expect(await store.put(key, body, { ...text, when: 'always' })).toMatchObject({
      outcome: 'unknown',
      cause: { effect: 'maybe-sent' },
    })
  })
})
