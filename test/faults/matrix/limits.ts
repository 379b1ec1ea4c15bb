import { callTimes, defaultSettings, type ResilienceSettings } from '../../../src/adapters/resilience/settings.ts'
import type { OperationName } from './operations.ts'

/**
 * Waits are short. Attempts have seconds all the same, so that a machine that is busy with other cells is not taken for a
 * store that does not answer. The order of the limits to each other is that of the defaults.
 */
export const scaled = {
  backoffFirstMs: 5,
  backoffMaxMs: 50,
  metaAttemptMs: 4_000,
  metaDeadlineMs: 10_000,
  listAttemptMs: 4_000,
  listDeadlineMs: 10_000,
  openAttemptMs: 4_000,
  openDeadlineMs: 10_000,
  bodyIdleMs: 3_000,
  bodyFloorWindowMs: 3_000,
  sendOverheadMs: 4_000,
  sendAttemptMinMs: 4_000,
  sendAttemptMaxMs: 5_000,
  completeAttemptMs: 4_000,
  completeDeadlineMs: 12_000,
  completeSlowMs: 2_000,
  completeLookFirstMs: 20,
  completeLookMaxMs: 300,
  completeLooksMax: 6,
  openFirstMs: 100,
  openMaxMs: 400,
  halfOpenMaxMs: 2_000,
  partsAtOnce: 4,
} as const satisfies Partial<ResilienceSettings>

/** For cells in which attempts run into their end, or bodies stand still. */
export const impatient = {
  metaAttemptMs: 700,
  metaDeadlineMs: 5_000,
  listAttemptMs: 700,
  listDeadlineMs: 5_000,
  openAttemptMs: 700,
  openDeadlineMs: 5_000,
  bodyIdleMs: 250,
  bodyFloorWindowMs: 250,
  sendOverheadMs: 700,
  sendAttemptMinMs: 700,
  sendAttemptMaxMs: 1_500,
  completeAttemptMs: 700,
  completeDeadlineMs: 6_000,
  completeSlowMs: 400,
} as const satisfies Partial<ResilienceSettings>

const base: ResilienceSettings = { ...defaultSettings, ...scaled }
const MiB = 2 ** 20

export const { retriesMax, budget, budgetPerRetry, circuitCalls, halfOpenCalls } = base

/** `applyOperation` fights so long for its write. */
const stateLoopMs = 10_000
/** For all requests but the spoiled one, on a machine that is busy with other cells. */
const elseMs = 5_000

/** An operation that takes longer than the deadline of its spoiled request and a tenth hangs. */
export function longestMs(operation: OperationName, own: Partial<ResilienceSettings> = {}): number {
  const settings = { ...base, ...own }
  const times = callTimes(settings)
  const bodyMs = times.open.deadlineMs + (settings.bodyFailuresMax + 1) * settings.bodyIdleMs
  const spoiledMs: Readonly<Record<OperationName, number>> = {
    put: times.sending(20_000).deadlineMs,
    parts: times.sending(8 * MiB).deadlineMs,
    complete: times.completing(9 * MiB).deadlineMs,
    get: bodyMs,
    zip: 3 * bodyMs,
    list: times.list.deadlineMs,
    state: stateLoopMs + times.open.deadlineMs,
  }
  return spoiledMs[operation] * 1.1 + elseMs
}
