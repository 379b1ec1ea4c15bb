import { describe, expect, it } from 'vitest'
import { createKeyedMutex } from '../../../src/adapters/checked-conditions/keyed-mutex.ts'
import { withCheckedConditions } from '../../../src/adapters/checked-conditions/object-store.ts'
import { withTurns } from '../../../src/adapters/checked-conditions/turns.ts'
import { createMemoryObjectStore } from '../../../src/adapters/memory/object-store.ts'
import { StoreUnavailable } from '../../../src/ports/errors.ts'
import { parseObjectKey } from '../../../src/ports/object-key.ts'
import type { ObjectStore } from '../../../src/ports/object-store.ts'
import { guard, thrown } from '../resilience/failing-store.ts'

const { signal } = new AbortController()
const key = parseObjectKey('k')
const pause = (durationMs: number) => new Promise<void>((resolve) => setTimeout(resolve, durationMs))
const put = (store: ObjectStore, at = key) =>
  store.put(at, new Uint8Array(1), { signal, when: 'always', contentType: 'text/plain' })

const memory = () => createMemoryObjectStore({ nowMs: Date.now })

describe('turns at a key', () => {
  it('that take longer than a write may take are no failure of the store, and hold up no other key', async () => {
    const inner = memory()
    const { store, health } = guard(
      withCheckedConditions({
        ...inner,
        capabilities: async (options) => ({ ...(await inner.capabilities(options)), conditionalPut: 'none' }),
        async put(...of) {
          await pause(30)
          return inner.put(...of)
        },
      }),
      { sendOverheadMs: 100, sendAttemptMinMs: 100, sendAttemptMaxMs: 100, dataAtOnce: 2 },
    )
    const alone = withTurns(store, createKeyedMutex())
    const order: string[] = []
    const writing = (at: string) => put(alone, parseObjectKey(at)).then(({ outcome }) => order.push(`${at} ${outcome}`))
    await Promise.all([...Array.from({ length: 20 }, () => writing('k')), writing('other')])
    expect(order.filter((one) => one === 'k applied')).toHaveLength(20)
    expect(order.indexOf('other applied')).toBeOneOf([0, 1, 2])
    expect(health().data.circuit).toBe('closed')
  })

  it('give the first look at what the store can do its own time', async () => {
    const inner = memory()
    let looks = 0
    const { store } = guard(
      withCheckedConditions({
        ...inner,
        async capabilities(options) {
          if (looks++ === 0) await pause(250)
          return inner.capabilities(options)
        },
      }),
      {
        sendOverheadMs: 100,
        sendAttemptMinMs: 100,
        sendAttemptMaxMs: 100,
        probeAttemptMs: 2_000,
        probeDeadlineMs: 4_000,
      },
    )
    expect(await put(withTurns(store, createKeyedMutex()))).toMatchObject({ outcome: 'applied' })
  })

  it('say that nothing was sent when it cannot be seen what the store can do', async () => {
    const lost = new StoreUnavailable('reset', { effect: 'maybe-sent' })
    const store = withTurns({ ...memory(), capabilities: () => Promise.reject(lost) })
    expect(await thrown(put(store))).toMatchObject({ code: 'store-unavailable', effect: 'never-sent' })
  })
})

it('a look that failed before a conditional delete is tried again, for nothing was sent', async () => {
  const inner = memory()
  let heads = 0
  const { store } = guard(
    withCheckedConditions({
      ...inner,
      capabilities: async (options) => ({ ...(await inner.capabilities(options)), conditionalDelete: 'none' }),
      head: (...of) => (heads++ === 0 ? Promise.reject(new StoreUnavailable('500')) : inner.head(...of)),
    }),
  )
  const written = await put(inner)
  if (written.outcome !== 'applied') throw new Error('not applied')
  expect(await store.delete(key, { ifMatch: written.etag, signal })).toEqual({ outcome: 'applied' })
})
