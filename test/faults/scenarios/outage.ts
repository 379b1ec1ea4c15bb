import { setTimeout as pause } from 'node:timers/promises'
import type { ResilienceSettings } from '../../../src/adapters/resilience/settings.ts'
import { s3Error } from '../fake-s3/fault-answers.ts'
import { ask } from '../matrix/http-client.ts'
import { startRig } from '../matrix/rig.ts'
import { socketsLeftOf } from './sockets-left.ts'

export interface OutageFigures {
  readonly calls: number
  /** Requests that reached the store during the outage, for each call that was made. */
  readonly amplification: number
  /** Of the calls that were let through to the store, requests for each: what retries alone make of it. */
  readonly attemptsPerCall: number
  /** From the first failing request to the first call that was refused without asking the store. */
  readonly firstFastFailMs: number
  readonly fastFails: number
  readonly fastFailP99Ms: number
  /** From healing until 95 % of twenty calls in a row succeed. */
  readonly recoveryMs: number
  /** Connections to the store that were left, once those that nobody used were over: there must be none. */
  readonly socketsLeft: number
  /** Calls that did not end in 503 with Retry-After, or that an answer other than success followed after recovery. */
  readonly wrongAnswers: number
}

const healedCalls = 20
const healedShare = 0.95
const recoveryMaxMs = 60_000

/**
 * Every request to the store is 503, or 429, for so long, while a small object is put so many times a second; then all is well
 * again. Each call is one request when nothing fails.
 */
export async function runOutage(options: {
  readonly outageMs: number
  readonly callsPerSecond: number
  readonly seed: number
  readonly settings: Partial<ResilienceSettings>
  /** What the store says. 429 asks for fewer calls, and counts half for circuits. */
  readonly status?: 503 | 429
}): Promise<OutageFigures> {
  const { outageMs, callsPerSecond, seed, settings, status: said = 503 } = options
  const rig = await startRig({ profile: 'aws', seed, settings })
  try {
    const put = (n: number) => ask(`${rig.origin}/v1/objects/files/outage-${n % 50}`, { method: 'PUT', body: 'x' })
    for (let n = 0; n < 30; n++) await put(n)

    const code = said === 503 ? 'ServiceUnavailable' : 'TooManyRequests'
    const answer = s3Error(said, code)
    const heal = rig.fake.inject('any', 'every', { when: 'before-commit', answer })
    const requestsBefore = rig.fake.count()
    const toldBefore = rig.told.length
    const startedAtMs = performance.now()
    const calls: Promise<{ endedAtMs: number; durationMs: number; isRefusal: boolean; asked: number }>[] = []
    while (performance.now() - startedAtMs < outageMs) {
      const askedBefore = rig.fake.count()
      calls.push(
        put(calls.length).then(({ status, headers, durationMs }) => ({
          endedAtMs: performance.now(),
          durationMs,
          isRefusal: status === 503 && Number(headers['retry-after']) >= 1,
          asked: rig.fake.count() - askedBefore,
        })),
      )
      await pause(1000 / callsPerSecond)
    }
    const ended = await Promise.all(calls)
    const requests = rig.fake.count() - requestsBefore
    const attempts = rig.told.slice(toldBefore).filter(({ event }) => event === 'attempt')
    const first = attempts.filter((one) => one.event === 'attempt' && one.attempt === 1)

    heal()
    const healedAtMs = performance.now()
    const recent: boolean[] = []
    let recoveryMs = Number.POSITIVE_INFINITY
    for (let n = 0; performance.now() - healedAtMs < recoveryMaxMs; n++) {
      recent.push((await put(n)).status < 300)
      const last = recent.slice(-healedCalls)
      if (last.length === healedCalls && last.filter(Boolean).length >= healedShare * healedCalls) {
        // The first of the twenty: then it had recovered.
        recoveryMs = performance.now() - healedAtMs - healedCalls * (1000 / callsPerSecond)
        break
      }
      await pause(1000 / callsPerSecond)
    }
    const socketsLeft = await socketsLeftOf(rig)
    const fast = ended.filter(({ asked, isRefusal }) => asked === 0 && isRefusal)
    const durations = fast.map(({ durationMs }) => durationMs).sort((a, b) => a - b)
    const firstFast = fast.reduce((earliest, { endedAtMs }) => Math.min(earliest, endedAtMs), Number.POSITIVE_INFINITY)
    return {
      calls: ended.length,
      amplification: requests / ended.length,
      attemptsPerCall: attempts.length / Math.max(1, first.length),
      firstFastFailMs: firstFast - startedAtMs,
      fastFails: fast.length,
      fastFailP99Ms: durations[Math.floor(0.99 * (durations.length - 1))] ?? Number.NaN,
      recoveryMs: Math.max(0, recoveryMs),
      socketsLeft,
      wrongAnswers: ended.filter(({ isRefusal }) => !isRefusal).length,
    }
  } finally {
    await rig.stop()
  }
}
