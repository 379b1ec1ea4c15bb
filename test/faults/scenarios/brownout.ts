import { setTimeout as pause } from 'node:timers/promises'
import type { ResilienceSettings } from '../../../src/adapters/resilience/settings.ts'
import { s3Error } from '../fake-s3/fault-answers.ts'
import { ask } from '../matrix/http-client.ts'
import { startRig } from '../matrix/rig.ts'

export interface BrownoutFigures {
  readonly calls: number
  readonly succeeded: number
  /** Attempts for each call to the store that was made: what retries make of the load. */
  readonly attemptsPerCall: number
  readonly retries: number
  /** What the budget allows: what it holds at first, and a point for each attempt that was answered. */
  readonly retriesMax: number
  readonly deniedRetries: number
  /** How often a circuit opened: 16 of 20 in a row happen to fail now and then. */
  readonly opened: number
}

/** Half of all requests fail for so long, at random, while a small object is put so many times a second. */
export async function runBrownout(options: {
  readonly forMs: number
  readonly callsPerSecond: number
  readonly seed: number
  readonly settings: ResilienceSettings
}): Promise<BrownoutFigures> {
  const { forMs, callsPerSecond, seed, settings } = options
  const rig = await startRig({ profile: 'aws', seed, settings })
  try {
    const answer = s3Error(500, 'InternalError')
    rig.fake.inject('any', () => rig.random.fraction() < 0.5, { when: 'before-commit', answer })
    const toldBefore = rig.told.length
    const startedAtMs = performance.now()
    const calls: Promise<boolean>[] = []
    while (performance.now() - startedAtMs < forMs) {
      const url = `${rig.origin}/v1/objects/files/brownout-${calls.length % 50}`
      calls.push(ask(url, { method: 'PUT', body: 'x' }).then(({ status }) => status < 300))
      await pause(1000 / callsPerSecond)
    }
    const ended = await Promise.all(calls)
    const told = rig.told.slice(toldBefore)
    const attempts = told.filter((one) => one.event === 'attempt')
    const answered = attempts.filter(({ result }) => result === 'answered').length
    const first = attempts.filter(({ attempt }) => attempt === 1).length
    return {
      calls: ended.length,
      succeeded: ended.filter(Boolean).length,
      attemptsPerCall: attempts.length / Math.max(1, first),
      retries: attempts.length - first,
      retriesMax: (settings.budget + answered) / settings.budgetPerRetry,
      deniedRetries: told.filter(({ event }) => event === 'retry-denied').length,
      opened: told.filter((one) => one.event === 'circuit' && one.circuit === 'open').length,
    }
  } finally {
    await rig.stop()
  }
}
