import { describe, expect, it } from 'vitest'
import { createMemoryObjectStore } from '../../../src/adapters/memory/object-store.ts'
import { InvalidParts, StoreDenied, StoreUnavailable, UploadNotFound } from '../../../src/ports/errors.ts'
import { parseObjectKey } from '../../../src/ports/object-key.ts'
import type { ETag, ObjectStore, Part, PutCondition, PutOutcome } from '../../../src/ports/object-store.ts'
import { guard, thrown } from './failing-store.ts'

const key = parseObjectKey('k')
const { signal } = new AbortController()
const text = { signal, contentType: 'text/plain' }
const bytes = (of: string) => new TextEncoder().encode(of)
const lost = (effect: 'maybe-sent' | 'never-sent' = 'maybe-sent') =>
  Promise.reject(new StoreUnavailable('524', { effect }))

type Join = (really: () => Promise<PutOutcome>, nth: number) => Promise<PutOutcome>

/** A memory store whose joining goes as told. Its parts and objects carry no MD5s, or those of the S3 kind. */
function joining(join: Join, overrides: (memory: ObjectStore) => Partial<ObjectStore> = () => ({})) {
  const memory = createMemoryObjectStore({ nowMs: Date.now })
  let joins = 0
  const store: ObjectStore = {
    ...memory,
    // Also when nobody waits for it any more.
    completeMultipart: (of, parts, { when }) =>
      join(() => memory.completeMultipart(of, parts, { when, signal }), ++joins),
    ...overrides(memory),
  }
  const guarded = guard(store, { completeLooksMax: 4 })
  return { ...guarded, memory, joins: () => joins }
}

async function upload(store: ObjectStore, body = 'after') {
  const opened = await store.createMultipart(key, text)
  return { opened, parts: [await store.putPart(opened, 1, bytes(body), { signal })] }
}

async function complete(store: ObjectStore, when: PutCondition = 'always', more: Part[] = []) {
  const { opened, parts } = await upload(store)
  return store.completeMultipart(opened, [...parts, ...more], { signal, when })
}

const stored = async (store: ObjectStore) => {
  const found = await store.get(key, { signal })
  return found && new Response(found.body).text()
}

const asOutcome = (cause: unknown): PutOutcome => ({ outcome: 'unknown', cause: cause as StoreUnavailable })

describe('joining parts', () => {
  it('is reported after a look at the object', async () => {
    const { store, memory, joins } = joining((really) => really())
    const before = await memory.put(key, bytes('before'), { ...text, when: 'always' })
    const applied = await complete(store)
    expect(applied).toEqual({ outcome: 'applied', etag: (await memory.head(key, { signal }))?.etag })
    expect(applied).not.toEqual(before)
    expect(joins()).toBe(1)
  })

  it('whose answer was lost is one joining, found by looking', async () => {
    for (const how of ['thrown', 'told'] as const) {
      const { store, joins, told } = joining(async (really) => {
        await really()
        return how === 'thrown' ? lost() : asOutcome(new StoreUnavailable('200 with an error'))
      })
      expect(await complete(store)).toMatchObject({ outcome: 'applied' })
      expect(joins()).toBe(1)
      expect(told).toContainEqual(expect.objectContaining({ event: 'settled', verdict: 'landed' }))
      expect(await stored(store)).toBe('after')
    }
  })

  it('that did not happen is done again', async () => {
    const { store, joins, told } = joining((really, nth) => (nth < 3 ? lost() : really()))
    expect(await complete(store)).toMatchObject({ outcome: 'applied' })
    expect(joins()).toBe(3)
    expect(told.filter(({ event }) => event === 'retry')).toHaveLength(2)
    expect(await stored(store)).toBe('after')
  })

  it('that goes on after its answer was lost is waited for', async () => {
    const { store, joins } = joining((really, nth) => {
      if (nth > 1) return Promise.reject(new UploadNotFound('no such upload'))
      setTimeout(really, 12)
      return lost()
    })
    expect(await complete(store)).toMatchObject({ outcome: 'applied' })
    expect(joins()).toBeLessThanOrEqual(2)
  })

  it('of an upload that is gone has happened when the object is there, and not when it is not', async () => {
    const done = joining(async (really) => {
      await really()
      throw new UploadNotFound('no such upload')
    })
    expect(await complete(done.store)).toMatchObject({ outcome: 'applied' })
    const absent = joining(() => Promise.reject(new UploadNotFound('no such upload')))
    await absent.memory.put(key, bytes('older'), { ...text, when: 'always' })
    // The same size proves nothing: what lies there was there before.
    expect(await thrown(complete(absent.store))).toBeInstanceOf(UploadNotFound)
    expect(absent.joins()).toBe(1)
  })

  it('that the store acknowledges and does not do is not reported', async () => {
    const { store, joins } = joining(async () => ({ outcome: 'applied', etag: 'e' as ETag }))
    expect(await complete(store)).toMatchObject({ outcome: 'unknown' })
    expect(joins()).toBe(1)
  })

  it('is not done twice because a listing of parts is old', async () => {
    const { store, joins } = joining(
      async (really) => {
        await really()
        return lost()
      },
      () => ({ listParts: async () => [] }),
    )
    expect(await complete(store)).toMatchObject({ outcome: 'applied' })
    expect(joins()).toBe(1)
  })

  it('that happens after the look at the object and before the one at the parts has happened', async () => {
    const { store, joins, told } = joining(
      () => lost(),
      (memory) => ({
        async listParts(of, options) {
          await memory.completeMultipart(of, await memory.listParts(of, options), { ...options, when: 'always' })
          return memory.listParts(of, options)
        },
      }),
    )
    expect(await complete(store)).toMatchObject({ outcome: 'applied' })
    expect(joins()).toBe(1)
    expect(told).toContainEqual(expect.objectContaining({ event: 'settled', verdict: 'landed' }))
    expect(await stored(store)).toBe('after')
  })

  it('of other parts than were stored is refused, once, and leaves the upload open', async () => {
    const { store, joins } = joining((really) => really())
    const { opened, parts } = await upload(store)
    const wrong = parts.map((part) => ({ ...part, etag: 'other' }))
    const refused = store.completeMultipart(opened, wrong, { signal, when: 'always' })
    expect(await thrown(refused)).toBeInstanceOf(InvalidParts)
    expect(joins()).toBe(1)
    expect(await store.completeMultipart(opened, parts, { signal, when: 'always' })).toMatchObject({
      outcome: 'applied',
    })
  })

  it('that was never sent is an error and not a doubt', async () => {
    const { store, joins } = joining(() => lost('never-sent'))
    expect(await thrown(complete(store))).toMatchObject({ code: 'store-unavailable', effect: 'never-sent' })
    expect(joins()).toBeGreaterThanOrEqual(4)
  })

  it('waits for a store that is away for longer than its retries take', async () => {
    let looks = 0
    const { store, joins } = joining(
      (really, nth) => (nth < 12 ? lost('never-sent') : really()),
      (memory) => ({ head: (...args) => (++looks < 12 ? lost('never-sent') : memory.head(...args)) }),
    )
    expect(await complete(store)).toMatchObject({ outcome: 'applied' })
    expect(joins()).toBe(12)
    expect(await stored(store)).toBe('after')
  })

  it('is ours by the name that the store gave it, and not by its size', async () => {
    const { store, memory } = joining(async (really) => {
      const ours = await really()
      await memory.put(key, bytes('other'), { ...text, when: 'always' })
      return ours
    })
    const joined = await complete(store)
    expect(joined).toMatchObject({ outcome: 'applied' })
    expect(joined).not.toMatchObject({ etag: (await memory.head(key, { signal }))?.etag })
  })

  it('whose look is refused is a doubt, and no refusal', async () => {
    let looks = 0
    const { store } = joining(
      (really) => really(),
      (memory) => ({
        head: (of, how) => (looks++ === 0 ? memory.head(of, how) : Promise.reject(new StoreDenied('403'))),
      }),
    )
    expect(await complete(store)).toMatchObject({ outcome: 'unknown' })
  })

  it('that nobody can look at is a doubt', async () => {
    let down = false
    const { store } = joining(
      async (really) => {
        await really()
        down = true
        return lost()
      },
      (memory) => ({ head: (...of) => (down ? lost('never-sent') : memory.head(...of)) }),
    )
    expect(await complete(store)).toMatchObject({ outcome: 'unknown', cause: { effect: 'maybe-sent' } })
  })
})

describe('joining parts under a condition', () => {
  it('is refused by what is there', async () => {
    const { store, memory } = joining((really) => really())
    await memory.put(key, bytes('before'), { ...text, when: 'always' })
    expect(await complete(store, 'if-absent')).toEqual({ outcome: 'rejected' })
    expect(await stored(store)).toBe('before')
  })

  it('is never done again, and unknown where nothing tells our object from a racer’s', async () => {
    const { store, joins } = joining(async (really) => {
      await really()
      return lost()
    })
    expect(await complete(store, 'if-absent')).toMatchObject({ outcome: 'unknown' })
    expect(joins()).toBe(1)
  })

  it('has happened when the object has the name that our parts make, and not when it has another', async () => {
    // As S3 has it: the MD5 of "after", and the MD5 of that MD5's 16 bytes with the number of parts.
    const partName = '632a2406bbcbcd553eec45ac14b40a0a'
    for (const [joinedName, outcome] of [
      ['ef51eb0d8024eb3d618a26bb35555684-1', 'applied'],
      ['ef51eb0d8024eb3d618a26bb35555685-1', 'unknown'],
    ] as const) {
      const memory = createMemoryObjectStore({ nowMs: Date.now })
      let own = ''
      const { store } = guard({
        ...memory,
        async putPart(...of) {
          const part = await memory.putPart(...of)
          own = part.etag
          return { ...part, etag: partName }
        },
        async completeMultipart(of, parts, options) {
          await memory.completeMultipart(
            of,
            parts.map((part) => ({ ...part, etag: own })),
            options,
          )
          return lost()
        },
        async head(...of) {
          const meta = await memory.head(...of)
          return meta && { ...meta, etag: joinedName as ETag }
        },
      })
      expect(await complete(store, 'if-absent')).toMatchObject({ outcome })
    }
  })
})
