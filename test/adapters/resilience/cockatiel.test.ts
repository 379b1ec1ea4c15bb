import { AsyncLocalStorage } from 'node:async_hooks'
import {
  bulkhead,
  CircuitState,
  CountBreaker,
  circuitBreaker,
  handleAll,
  handleType,
  isTaskCancelledError,
  retry,
  TimeoutStrategy,
  timeout,
} from 'cockatiel'
import { expect, it } from 'vitest'

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
