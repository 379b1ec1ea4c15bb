import { describe, expect, it } from 'vitest'
import { createKeyedMutex, type Exclusive } from '../../../src/adapters/checked-conditions/keyed-mutex.ts'
import { withCheckedConditions } from '../../../src/adapters/checked-conditions/object-store.ts'
import { withTurns } from '../../../src/adapters/checked-conditions/turns.ts'
import { createMemoryObjectStore } from '../../../src/adapters/memory/object-store.ts'
import { UnsupportedByStore } from '../../../src/ports/errors.ts'
import { parseObjectKey } from '../../../src/ports/object-key.ts'
import type { ObjectStore, PutCondition, StoreCapabilities } from '../../../src/ports/object-store.ts'
import { describeObjectStore } from '../../contract/object-store.ts'

const { signal } = new AbortController()
const key = parseObjectKey('k')
const put = (store: ObjectStore, when: PutCondition, body = new Uint8Array(1)) =>
  store.put(key, body, { signal, when, contentType: 'text/plain' })

const memoryCapabilities = await createMemoryObjectStore({ nowMs: Date.now }).capabilities({ signal })
const unconditional: StoreCapabilities = {
  ...memoryCapabilities,
  conditionalPut: 'none',
  conditionalComplete: 'none',
  conditionalDelete: 'none',
}

/** A store without conditions, and slow enough for others to come in between. */
function createPlainStore(): { store: ObjectStore; heads: () => number } {
  const memory = createMemoryObjectStore({ nowMs: Date.now })
  let heads = 0
  const meanwhile = () => new Promise<void>((resolve) => setTimeout(resolve, 1))
  return {
    heads: () => heads,
    store: {
      ...memory,
      capabilities: async ({ signal }) => {
        signal.throwIfAborted()
        return unconditional
      },
      async head(...of) {
        heads += 1
        const found = await memory.head(...of)
        await meanwhile()
        return found
      },
      async put(at, body, options) {
        if (options.when !== 'always') throw new UnsupportedByStore('conditionalPut')
        await meanwhile()
        return memory.put(at, body, options)
      },
      async delete(at, options) {
        if (options.ifMatch !== undefined) throw new UnsupportedByStore('conditionalDelete')
        return memory.delete(at, options)
      },
      async completeMultipart(upload, parts, options) {
        if (options.when !== 'always') throw new UnsupportedByStore('conditionalComplete')
        return memory.completeMultipart(upload, parts, options)
      },
    },
  }
}

describeObjectStore('checked conditions over a store without any', {
  supports: {
    ...memoryCapabilities,
    conditionalPut: 'checked',
    conditionalComplete: 'checked',
    conditionalDelete: 'checked',
  },
  async open() {
    const { store } = createPlainStore()
    return { store: withCheckedConditions(store), other: withCheckedConditions(store), close: async () => {} }
  },
})

describe('checked conditions', () => {
  it('leave a store alone that has its own', async () => {
    const memory = createMemoryObjectStore({ nowMs: Date.now })
    const turns: string[] = []
    const exclusive: Exclusive = (key, _signal, work) => {
      turns.push(key)
      return work()
    }
    const store = withCheckedConditions(memory, { exclusive })
    expect(await store.capabilities({ signal })).toEqual(memoryCapabilities)
    expect(await put(store, 'if-absent')).toMatchObject({ outcome: 'applied' })
    expect(await put(store, 'if-absent')).toEqual({ outcome: 'rejected' })
    // One turn for the first look at what the store can do; none for a key.
    expect(turns).toEqual(['//capabilities'])
  })

  it('look at what the store can do once, however many ask together', async () => {
    const memory = createMemoryObjectStore({ nowMs: Date.now })
    let looks = 0
    const slow: ObjectStore = {
      ...memory,
      async capabilities(options) {
        looks += 1
        await new Promise((resolve) => setTimeout(resolve, 10))
        return memory.capabilities(options)
      },
    }
    const store = withCheckedConditions(slow, { exclusive: createKeyedMutex() })
    await Promise.all(Array.from({ length: 50 }, () => store.capabilities({ signal })))
    expect(looks).toBe(1)
  })

  it('let several win a race, but only one of an instance with a mutex', async () => {
    const race = async (store: ObjectStore) => {
      const outcomes = await Promise.all(Array.from({ length: 8 }, () => put(store, 'if-absent')))
      return outcomes.filter(({ outcome }) => outcome === 'applied').length
    }
    expect(await race(withCheckedConditions(createPlainStore().store))).toBeGreaterThan(1)
    const alone = withTurns(withCheckedConditions(createPlainStore().store), createKeyedMutex())
    expect(await race(alone)).toBe(1)
  })

  it('do not lose a write without a condition that comes in between', async () => {
    const store = withTurns(withCheckedConditions(createPlainStore().store), createKeyedMutex())
    const first = await put(store, 'always')
    if (first.outcome !== 'applied') throw new Error('not applied')
    const outcomes = await Promise.all([put(store, 'always'), put(store, { ifMatch: first.etag })])
    expect(outcomes).toMatchObject([{ outcome: 'applied' }, { outcome: 'rejected' }])
  })

  it('look only where there is a condition', async () => {
    const { store, heads } = createPlainStore()
    const checked = withCheckedConditions(store)
    await put(checked, 'always')
    await checked.delete(key, { signal })
    expect(heads()).toBe(0)
    await put(checked, 'if-absent')
    expect(heads()).toBe(1)
  })
})

it('makes up for a condition as soon as the store is seen not to have it any more', async () => {
  const memory = createMemoryObjectStore({ nowMs: Date.now })
  let own = memoryCapabilities
  const conditions: PutCondition[] = []
  const store = withCheckedConditions({
    ...memory,
    capabilities: async () => own,
    put(at, body, options) {
      conditions.push(options.when)
      return memory.put(at, body, options)
    },
  })
  expect(await put(store, 'if-absent')).toMatchObject({ outcome: 'applied' })
  own = unconditional
  expect(await store.capabilities({ signal })).toMatchObject({ conditionalPut: 'checked' })
  expect(await put(store, 'if-absent')).toEqual({ outcome: 'rejected' })
  await memory.delete(key, { signal })
  expect(await put(store, 'if-absent')).toMatchObject({ outcome: 'applied' })
  expect(conditions).toEqual(['if-absent', 'always'])
})
