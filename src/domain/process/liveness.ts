import { isFinal, type ProcessState } from './process-state.ts'

export type Liveness = 'alive' | 'stalled' | 'lost' | 'none'

/** What a worker that promised nothing is given between two reports. */
const defaultExpectSeconds = 60
const graceSeconds = 10
/** A worker may need this long to start before its first report. */
const coldStartSeconds = 15 * 60

/** Derived whenever somebody looks, never stored: a late worker that speaks again is simply alive again. */
export function livenessOf(state: ProcessState, storeNowMs: number): Liveness {
  if (state.status === 'queued' || isFinal(state.status)) return 'none'
  const silentSeconds = state.heardAt === null ? 0 : (storeNowMs - Date.parse(state.heardAt)) / 1000
  if (state.lastSeq < 0) return silentSeconds <= coldStartSeconds ? 'alive' : 'lost'
  const expected = state.expectNextInSeconds ?? defaultExpectSeconds
  if (silentSeconds <= expected + graceSeconds) return 'alive'
  return silentSeconds <= 3 * expected + 60 ? 'stalled' : 'lost'
}
