import { describe, expect, it } from 'vitest'
import { callTimes, defaultSettings } from '../../../src/adapters/resilience/settings.ts'
import { StoreDenied, StoreUnavailable } from '../../../src/ports/errors.ts'
import { parseObjectKey } from '../../../src/ports/object-key.ts'
import type { ObjectStore } from '../../../src/ports/object-store.ts'
import { createFailingStore, guard, maybeSent, neverSent, thrown } from './failing-store.ts'

const { signal } = new AbortController()
const key = parseObjectKey('k')
const body = new Uint8Array(1)
const put = (store: ObjectStore, when: 'always' | 'if-absent' = 'if-absent') =>
  store.put(key, body, { signal, contentType: 'text/plain', when })

const elapsedMs = async (work: () => Promise<unknown>) => {
  const startMs = performance.now()
  await work()
  return performance.now() - startMs
}

describe('the deadline', () => {
  it('ends a call whose store never answers, and says that it may have been heard', async () => {
    const failing = createFailingStore()
    const { store } = guard(failing.store, { metaDeadlineMs: 120, metaAttemptMs: 50 })
    failing.next(...Array.from({ length: 9 }, () => 'hangs' as const))
    let error: unknown
    const tookMs = await elapsedMs(async () => {
      error = await thrown(store.head(key, { signal }))
    })
    expect(error).toMatchObject({ code: 'store-unavailable', effect: 'maybe-sent' })
    expect(tookMs).toBeGreaterThan(100)
    expect(tookMs).toBeLessThan(2_000)
  })

  it('says that nothing was sent when the call never got a place', async () => {
    const failing = createFailingStore()
    const { store } = guard(failing.store, { metaDeadlineMs: 60, metaAttemptMs: 5_000, metaAtOnce: 1 })
    failing.next('hangs')
    const first = store.deleteMany([key], { signal })
    expect(await thrown(store.head(key, { signal }))).toMatchObject({ effect: 'never-sent' })
    expect(await first).toMatchObject([{ key, error: { effect: 'maybe-sent' } }])
  })

  it('frees the place of a call that was waiting for its next try', async () => {
    const failing = createFailingStore()
    const { store, health } = guard(failing.store, {
      metaDeadlineMs: 60,
      metaAtOnce: 1,
      backoffFirstMs: 30_000,
      backoffMaxMs: 30_000,
    })
    failing.next({ throws: neverSent() })
    expect(await thrown(store.head(key, { signal }))).toMatchObject({ effect: 'never-sent' })
    await new Promise((resolve) => setTimeout(resolve, 10))
    expect(health().meta).toMatchObject({ running: 0, waiting: 0 })
  })
})

describe('the places', () => {
  it('are taken in turn, and refused when the queue is full', async () => {
    const failing = createFailingStore()
    const { store, health } = guard(failing.store, { metaAtOnce: 1, metaQueued: 1, retriesMax: 0 })
    failing.next('hangs')
    const calls = Array.from({ length: 3 }, () => thrown(store.head(key, { signal })))
    expect(await calls[2]).toMatchObject({ effect: 'never-sent', retryAfterMs: 1000 })
    expect(health().meta).toMatchObject({ running: 1, waiting: 1 })
    expect(await calls[0]).toMatchObject({ effect: 'maybe-sent' })
    expect(await calls[1]).toEqual({ value: undefined })
    expect(health().meta).toMatchObject({ running: 0, waiting: 0 })
  })

  it('of different classes do not wait for each other', async () => {
    const failing = createFailingStore()
    const { store } = guard(failing.store, { listAtOnce: 1, listQueued: 0, listAttemptMs: 100, retriesMax: 0 })
    failing.next('hangs')
    const list = thrown(store.list({ signal, prefix: '', limit: 1 }))
    expect(await store.head(key, { signal })).toBeUndefined()
    expect(await put(store)).toMatchObject({ outcome: 'applied' })
    expect(await list).toMatchObject({ code: 'store-unavailable' })
  })
})

describe("the caller's abort", () => {
  const reason = new Error('the caller went away')

  it('ends a call at once, with its reason, whatever it was waiting for', async () => {
    for (const trouble of ['hangs', { throws: neverSent() }] as const) {
      const failing = createFailingStore()
      const waits = { metaAttemptMs: 5_000, metaDeadlineMs: 5_000, backoffFirstMs: 900_000, backoffMaxMs: 900_000 }
      const { store } = guard(failing.store, waits)
      failing.next(trouble)
      const controller = new AbortController()
      setTimeout(() => controller.abort(reason), 20)
      const tookMs = await elapsedMs(async () => {
        expect(await thrown(store.head(key, { signal: controller.signal }))).toBe(reason)
      })
      expect(tookMs).toBeLessThan(2_000)
      await new Promise((resolve) => setTimeout(resolve, 10))
      expect(failing.calls).toHaveLength(1)
    }
  })

  it('is never counted against the store', async () => {
    const failing = createFailingStore()
    const { store, health } = guard(failing.store, { metaAttemptMs: 5_000, metaDeadlineMs: 5_000 })
    for (let i = 0; i < 30; i++) {
      failing.next('hangs')
      const controller = new AbortController()
      const call = thrown(store.head(key, { signal: controller.signal }))
      setTimeout(() => controller.abort(reason), 1)
      expect(await call).toBe(reason)
    }
    expect(health().meta.circuit).toBe('closed')
    expect(await store.head(key, { signal })).toBeUndefined()
  })
})

const failures = (count: number) => Array.from({ length: count }, () => ({ throws: maybeSent() }))

describe('the circuit', () => {
  it('opens when nearly everything fails, refuses without asking, and closes when the store is back', async () => {
    const failing = createFailingStore()
    const { store, health, events } = guard(failing.store, { retriesMax: 0 })
    failing.next(...failures(10))
    for (let i = 0; i < 10; i++) await thrown(store.head(key, { signal }))
    expect(health().meta).toMatchObject({ circuit: 'open', running: 0 })
    const refused = await thrown(store.head(key, { signal }))
    expect(refused).toMatchObject({ code: 'store-unavailable', effect: 'never-sent' })
    expect(refused).toHaveProperty(
      'retryAfterMs',
      expect.toSatisfy((ms: number) => ms > 0 && ms <= 100),
    )
    expect(failing.calls).toHaveLength(10)
    await new Promise((resolve) => setTimeout(resolve, 110))
    for (let i = 0; i < 3; i++) expect(await store.head(key, { signal })).toBeUndefined()
    expect(health().meta.circuit).toBe('closed')
    expect(events.filter(({ event }) => event === 'store-circuit').map(({ fields }) => fields?.circuit)).toEqual([
      'open',
      'half-open',
      'closed',
    ])
  })

  it('opens again, and for longer, when the store is not back', async () => {
    const failing = createFailingStore()
    const { store, health } = guard(failing.store, { retriesMax: 0, openFirstMs: 40 })
    failing.next(...failures(12))
    for (let i = 0; i < 10; i++) await thrown(store.head(key, { signal }))
    await new Promise((resolve) => setTimeout(resolve, 45))
    for (let i = 0; i < 2; i++) await thrown(store.head(key, { signal }))
    expect(health().meta.circuit).toBe('open')
    expect(health().meta.retryAfterMs).toBeGreaterThan(50)
  })

  it('does not let others wait while enough are trying, and does not wait for ever for those', async () => {
    const failing = createFailingStore()
    const long = { metaAttemptMs: 5_000, metaDeadlineMs: 5_000, halfOpenMaxMs: 60 }
    const { store, health } = guard(failing.store, { retriesMax: 0, openFirstMs: 20, ...long })
    failing.next(...failures(10), 'hangs', 'hangs', 'hangs')
    for (let i = 0; i < 10; i++) await thrown(store.head(key, { signal }))
    await new Promise((resolve) => setTimeout(resolve, 25))
    const controller = new AbortController()
    const tries = Array.from({ length: 3 }, () => thrown(store.head(key, { signal: controller.signal })))
    await new Promise((resolve) => setTimeout(resolve, 5))
    expect(health().meta).toMatchObject({ circuit: 'half-open', running: 3 })
    expect(await thrown(store.head(key, { signal }))).toMatchObject({ effect: 'never-sent', retryAfterMs: 1000 })
    await new Promise((resolve) => setTimeout(resolve, 65))
    expect(await store.head(key, { signal })).toBeUndefined()
    expect(health().meta.circuit).toBe('closed')
    controller.abort()
    await Promise.all(tries)
  })

  it('closes as soon as enough tries have worked, whatever the slowest of them does', async () => {
    const failing = createFailingStore()
    const long = { metaAttemptMs: 5_000, metaDeadlineMs: 5_000 }
    const { store, health, events } = guard(failing.store, { retriesMax: 0, openFirstMs: 20, ...long })
    failing.next(...failures(10), 'hangs')
    for (let i = 0; i < 10; i++) await thrown(store.head(key, { signal }))
    await new Promise((resolve) => setTimeout(resolve, 25))
    const controller = new AbortController()
    const slowest = thrown(store.head(key, { signal: controller.signal }))
    await store.head(key, { signal })
    expect(health().meta.circuit).toBe('half-open')
    await store.head(key, { signal })
    expect(health().meta.circuit).toBe('closed')
    controller.abort()
    await slowest
    expect(health().meta.circuit).toBe('closed')
    expect(events.filter(({ event }) => event === 'store-circuit').map(({ fields }) => fields?.circuit)).toEqual([
      'open',
      'half-open',
      'closed',
    ])
  })

  it('is not closed by callers who leave while it is being tried', async () => {
    const failing = createFailingStore()
    const long = { metaAttemptMs: 5_000, metaDeadlineMs: 5_000 }
    const { store, health } = guard(failing.store, { retriesMax: 0, openFirstMs: 20, ...long })
    failing.next(...failures(10), 'hangs', 'hangs', 'hangs')
    for (let i = 0; i < 10; i++) await thrown(store.head(key, { signal }))
    await new Promise((resolve) => setTimeout(resolve, 25))
    const controller = new AbortController()
    const left = new Error('left')
    const tries = Array.from({ length: 3 }, () => thrown(store.head(key, { signal: controller.signal })))
    await new Promise((resolve) => setTimeout(resolve, 5))
    controller.abort(left)
    expect(await Promise.all(tries)).toEqual([left, left, left])
    expect(health().meta.circuit).toBe('open')
  })

  it('stays closed while half of all calls work, and whatever expected answers they get', async () => {
    const failing = createFailingStore()
    const { store, health } = guard(failing.store, { retriesMax: 0 })
    for (let i = 0; i < 40; i++) failing.next('works', { throws: maybeSent() })
    for (let i = 0; i < 80; i++) await thrown(store.head(key, { signal }))
    expect(health().meta.circuit).toBe('closed')
    await put(store)
    for (let i = 0; i < 30; i++) expect(await put(store)).toEqual({ outcome: 'rejected' })
    expect(health().data.circuit).toBe('closed')
  })

  it('ends the retries of a call at once', async () => {
    const failing = createFailingStore()
    const { store } = guard(failing.store, { circuitCallsMin: 2, circuitCalls: 2, openFirstMs: 5_000 })
    failing.next(...failures(9))
    const refused = await thrown(store.head(key, { signal }))
    expect(failing.calls).toHaveLength(2)
    expect(refused).toMatchObject({ code: 'store-unavailable', effect: 'maybe-sent' })
  })

  it('is one for each class', async () => {
    const failing = createFailingStore()
    const { store, health } = guard(failing.store, { retriesMax: 0 })
    failing.next(...failures(10))
    for (let i = 0; i < 10; i++) await thrown(store.list({ signal, prefix: '', limit: 1 }))
    expect(health()).toMatchObject({
      list: { circuit: 'open' },
      meta: { circuit: 'closed' },
      data: { circuit: 'closed' },
    })
    expect(await store.head(key, { signal })).toBeUndefined()
  })

  it('lets a complete through even when it is open, and does not count it', async () => {
    const failing = createFailingStore()
    const { store, health } = guard(failing.store, { retriesMax: 0, openFirstMs: 5_000 })
    const upload = await store.createMultipart(key, { signal, contentType: 'text/plain' })
    const part = await store.putPart(upload, 1, body, { signal })
    failing.next(...failures(9))
    for (let i = 0; i < 9; i++) await thrown(store.head(key, { signal }))
    expect(health().meta.circuit).toBe('open')
    failing.next('works', { throws: maybeSent() })
    expect(await store.completeMultipart(upload, [part], { signal, when: 'always' })).toMatchObject({
      outcome: 'unknown',
    })
    expect(await store.completeMultipart(upload, [part], { signal, when: 'always' })).toMatchObject({
      outcome: 'applied',
    })
    expect(health().meta.circuit).toBe('open')
  })

  it('counts throttling half, and a damaged request not at all', async () => {
    for (const [blame, calls, circuit] of [
      ['load', 19, 'closed'],
      ['request', 60, 'closed'],
      ['store', 10, 'open'],
    ] as const) {
      const failing = createFailingStore()
      const { store, health } = guard(failing.store, { retriesMax: 0 })
      failing.next(...Array.from({ length: calls }, () => ({ throws: new StoreUnavailable('no', { blame }) })))
      for (let i = 0; i < calls; i++) await thrown(store.head(key, { signal }))
      expect(health().meta.circuit, blame).toBe(circuit)
    }
    const failing = createFailingStore()
    const { store, health } = guard(failing.store, { retriesMax: 0 })
    // Every second of them counts, so that it takes twice as many.
    failing.next(...Array.from({ length: 20 }, () => ({ throws: new StoreUnavailable('no', { blame: 'load' }) })))
    for (let i = 0; i < 20; i++) await thrown(store.head(key, { signal }))
    expect(health().meta.circuit).toBe('open')
  })

  it('is not closed by a store that only throttles', async () => {
    const failing = createFailingStore()
    const { store, health } = guard(failing.store, { retriesMax: 0, openFirstMs: 20 })
    const throttled = () => ({ throws: new StoreUnavailable('slow down', { blame: 'load' }) })
    failing.next(...failures(10), throttled(), throttled())
    for (let i = 0; i < 10; i++) await thrown(store.head(key, { signal }))
    await new Promise((resolve) => setTimeout(resolve, 25))
    for (let i = 0; i < 2; i++) await thrown(store.head(key, { signal }))
    expect(health().meta.circuit).toBe('open')
  })
})

describe('throttling', () => {
  it('halves what is sent at once, and lets it grow again with what works', async () => {
    const failing = createFailingStore()
    const { store, health } = guard(failing.store, { metaAtOnce: 8 })
    failing.next({ throws: new StoreUnavailable('slow down', { blame: 'load', effect: 'never-sent' }) })
    await store.head(key, { signal })
    expect(health().meta.places).toBe(4)
    for (let i = 0; i < 40; i++) await store.head(key, { signal })
    expect(health().meta.places).toBe(8)
  })
})

describe('the retry budget', () => {
  it('ends the retries of all calls when nothing succeeds, and is earned back by what does', async () => {
    const failing = createFailingStore()
    const { store, health, told } = guard(failing.store, {
      circuitFailuresMax: 0.99,
      circuitCalls: 9_999,
      circuitCallsMin: 9_999,
    })
    failing.next(...failures(999))
    for (let i = 0; i < 200; i++) await thrown(store.head(key, { signal }))
    // 100 points pay for 20 retries.
    expect(failing.calls).toHaveLength(220)
    expect(health().retryBudget).toBe(0)
    expect(told.filter(({ event }) => event === 'retry-denied').length).toBeGreaterThan(190)
    const rest = 999 - failing.calls.length
    for (let i = 0; i < rest; i++) await thrown(store.list({ signal, prefix: '', limit: 1 }))
    for (let i = 0; i < 30; i++) await store.head(key, { signal })
    expect(health().retryBudget).toBe(30)
  })

  it('costs double where the store throttles, and is never spent on what is not tried again', async () => {
    const failing = createFailingStore()
    const { store, health } = guard(failing.store, { retriesMax: 1 })
    failing.next({ throws: new StoreUnavailable('slow down', { blame: 'load' }) })
    await store.head(key, { signal })
    expect(health().retryBudget).toBe(91)
    failing.next({ throws: new StoreUnavailable('bad certificate', { again: 'never' }) })
    await thrown(store.head(key, { signal }))
    failing.next({ throws: new StoreDenied('no') })
    await thrown(store.head(key, { signal }))
    expect(health().retryBudget).toBe(91)
  })
})

describe('the times', () => {
  it('grow with what is sent, between two limits, and with the keys to be deleted', () => {
    const { sending, deleting } = callTimes(defaultSettings)
    expect(sending(0)).toEqual({ attemptMs: 30_000, deadlineMs: 90_000 })
    expect(sending(8 * 2 ** 20)).toEqual({ attemptMs: 47_000, deadlineMs: 141_000 })
    expect(sending(95 * 2 ** 20)).toEqual({ attemptMs: 110_000, deadlineMs: 330_000 })
    expect(deleting(1000)).toEqual({ attemptMs: 110_000, deadlineMs: 130_000 })
  })
})
