import { AsyncLocalStorage } from 'node:async_hooks'
import {
  bulkhead,
  CircuitState,
  ConsecutiveBreaker,
  ConstantBackoff,
  CountBreaker,
  circuitBreaker,
  handleAll,
  handleType,
  isTaskCancelledError,
  retry,
  SamplingBreaker,
  TimeoutStrategy,
  timeout,
} from 'cockatiel'
import { expect, it, vi } from 'vitest'

// What `resilience` builds on, or builds around. When an upgrade breaks one of these, read the code that relies on it.

const pause = (durationMs: number) => new Promise<void>((resolve) => setTimeout(resolve, durationMs))
const aggressive = TimeoutStrategy.Aggressive

class Failure extends Error {}
const fails = () => Promise.reject(new Failure())

const breakerOf = (size: number) =>
  circuitBreaker(handleType(Failure), {
    breaker: new CountBreaker({ threshold: 0.5, size, minimumNumberOfCalls: size }),
    halfOpenAfter: 10,
    halfOpenSampling: { calls: 3, threshold: 0.34 },
  })

async function opened() {
  const breaker = breakerOf(2)
  for (let i = 0; i < 2; i++) await breaker.execute(fails).catch(() => {})
  expect(breaker.state).toBe(CircuitState.Open)
  await pause(15)
  return breaker
}

it('maxAttempts counts retries, not attempts', async () => {
  let calls = 0
  const policy = retry(handleAll, { maxAttempts: 2 })
  await policy.execute(() => Promise.reject(++calls)).catch(() => {})
  expect(calls).toBe(3)
})

it('a time-out aborts its signal when the work is done, too', async () => {
  const signal = await timeout(1_000, aggressive).execute(({ signal }) => signal)
  expect(signal.aborted).toBe(true)
})

it("a caller's abort looks like a time-out", async () => {
  const controller = new AbortController()
  const call = timeout(10_000, aggressive).execute(() => pause(1_000), controller.signal)
  controller.abort(new Error('mine'))
  await expect(call).rejects.toSatisfy(isTaskCancelledError)
})

it('a time-out starts its work even when the caller has gone', async () => {
  let started = false
  const call = timeout(1_000, aggressive).execute(() => {
    started = true
    return pause(50)
  }, AbortSignal.abort())
  await expect(call).rejects.toSatisfy(isTaskCancelledError)
  expect(started).toBe(true)
})

it("a bulkhead runs a waiter's work in the context of the call that makes room, which Workers forbid", async () => {
  const caller = new AsyncLocalStorage<string>()
  const places = bulkhead(1, 1)
  const running = caller.run('first', () => places.execute(() => pause(2)))
  const waiting = caller.run('second', () => places.execute(() => caller.getStore()))
  expect(await waiting).toBe('first')
  await running
})

it('an unhandled error is neither success nor failure while a circuit is closed', async () => {
  const breaker = breakerOf(2)
  for (let i = 0; i < 9; i++) await breaker.execute(() => Promise.reject(new TypeError())).catch(() => {})
  await breaker.execute(fails).catch(() => {})
  expect(breaker.state).toBe(CircuitState.Closed)
  await breaker.execute(fails).catch(() => {})
  expect(breaker.state).toBe(CircuitState.Open)
})

it('an unhandled error, an abort too, is a success while a circuit is half open', async () => {
  const breaker = await opened()
  for (let i = 0; i < 3; i++) await breaker.execute(() => Promise.reject(new TypeError())).catch(() => {})
  expect(breaker.state).toBe(CircuitState.Closed)
})

it('callers beyond the sample wait for a half-open circuit to decide', async () => {
  const breaker = await opened()
  const finish: (() => void)[] = []
  const probes = Array.from({ length: 3 }, () => breaker.execute(() => new Promise<void>((done) => finish.push(done))))
  let waited = true
  const waiting = breaker.execute(() => (waited = false))
  await pause(5)
  expect(waited).toBe(true)
  for (const done of finish) done()
  await Promise.all([...probes, waiting])
  expect(waited).toBe(false)
  expect(breaker.state).toBe(CircuitState.Closed)
})

it('a half-open circuit takes two failures of three to open again', async () => {
  const breaker = await opened()
  await breaker.execute(fails).catch(() => {})
  expect(breaker.state).toBe(CircuitState.HalfOpen)
  await breaker.execute(fails).catch(() => {})
  expect(breaker.state).toBe(CircuitState.Open)
})

it('waiting for a retry is deaf to aborts, and the work is begun once more with an aborted signal', async () => {
  const controller = new AbortController()
  const signals: boolean[] = []
  const policy = retry(handleAll, { maxAttempts: 1, backoff: new ConstantBackoff(40) })
  const startedMs = performance.now()
  const call = policy.execute(({ signal }) => {
    signals.push(signal.aborted)
    return fails()
  }, controller.signal)
  setTimeout(() => controller.abort(), 5)
  await expect(call).rejects.toBeInstanceOf(Failure)
  expect(signals).toEqual([false, true])
  expect(performance.now() - startedMs).toBeGreaterThan(35)
})

it("a time-out that does not abort on return no longer passes on its caller's abort", async () => {
  const controller = new AbortController()
  const policy = timeout(1_000, { strategy: aggressive, abortOnReturn: false })
  const signal = await policy.execute(({ signal }) => signal, controller.signal)
  controller.abort()
  expect(signal.aborted).toBe(false)
})

it('who leaves the queue of a bulkhead keeps his place in it until his turn', async () => {
  const places = bulkhead(1, 1)
  let finish = () => {}
  const running = places.execute(() => new Promise<void>((done) => (finish = done)))
  const controller = new AbortController()
  const left = places.execute(() => {}, controller.signal)
  controller.abort()
  await pause(5)
  expect(places.queueSlots).toBe(0)
  await expect(places.execute(() => {})).rejects.toThrow()
  finish()
  await expect(left).rejects.toSatisfy(isTaskCancelledError)
  await running
  // Version 3 starved here: those behind him never had their turn.
  await places.execute(() => {})
})

it('who waits for a half-open circuit to decide is deaf to his abort', async () => {
  const breaker = await opened()
  const finish: (() => void)[] = []
  const probes = Array.from({ length: 3 }, () => breaker.execute(() => new Promise<void>((done) => finish.push(done))))
  const controller = new AbortController()
  let settled = false
  const waiting = breaker.execute(() => {}, controller.signal).finally(() => (settled = true))
  waiting.catch(() => {})
  controller.abort()
  await pause(10)
  expect(settled).toBe(false)
  for (const done of finish) done()
  await Promise.all(probes)
  await expect(waiting).rejects.toSatisfy(isTaskCancelledError)
})

it('expected errors in between do not keep a consecutive breaker from opening, and half of all calls do not either', async () => {
  const create = (count: number) =>
    circuitBreaker(handleType(Failure), { breaker: new ConsecutiveBreaker(count), halfOpenAfter: 9_999 })
  const expected = create(3)
  for (const work of [
    fails,
    () => Promise.reject(new TypeError()),
    fails,
    () => Promise.reject(new TypeError()),
    fails,
  ])
    await expected.execute(work).catch(() => {})
  expect(expected.state).toBe(CircuitState.Open)
  // Of twenty callers at once ten fail: their failures may well come one after the other.
  const unlucky = create(5)
  const half = Array.from({ length: 20 }, (_, i) => unlucky.execute(i < 10 ? fails : async () => {}))
  await Promise.allSettled(half)
  expect(unlucky.state).toBe(CircuitState.Open)
})

it('a sampling breaker needs hundreds of failures to open at the traffic of a dashboard', async () => {
  vi.useFakeTimers({ toFake: ['Date'] })
  try {
    const create = () =>
      circuitBreaker(handleType(Failure), {
        breaker: new SamplingBreaker({ threshold: 0.5, duration: 30_000 }),
        halfOpenAfter: 9_999,
      })
    const busy = create()
    let calls = 0
    while (busy.state === CircuitState.Closed && calls < 1_000) {
      await busy.execute(fails).catch(() => {})
      calls += 1
    }
    expect(calls).toBe(300)
    const idle = create()
    for (let seconds = 0; seconds < 120; seconds++) {
      vi.setSystemTime(seconds * 1000)
      await idle.execute(fails).catch(() => {})
    }
    expect(idle.state).toBe(CircuitState.Closed)
  } finally {
    vi.useRealTimers()
  }
})

it('a sampling breaker retires one window a call, so that sparse calls are judged by stale ones', async () => {
  vi.useFakeTimers({ toFake: ['Date'] })
  try {
    const breaker = circuitBreaker(handleType(Failure), {
      breaker: new SamplingBreaker({ threshold: 0.5, duration: 1_000, minimumRps: 3 }),
      halfOpenAfter: 9_999,
    })
    // One failure in one and a half seconds: never more than one within its second.
    for (let call = 0; call < 5; call++) {
      vi.setSystemTime(1_000_000 + call * 1_500)
      await breaker.execute(fails).catch(() => {})
    }
    expect(breaker.state).toBe(CircuitState.Open)
  } finally {
    vi.useRealTimers()
  }
})
