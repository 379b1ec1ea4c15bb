import type { Clock } from '../../ports/clock.ts'
import type { Digests } from '../../ports/digests.ts'
import type { Ids } from '../../ports/ids.ts'
import type { Log } from '../../ports/log.ts'
import type { ObjectStore } from '../../ports/object-store.ts'
import type { ProcessReader } from './process-reader.ts'

/** Runs `work` while nobody else's of this instance runs for the same key. */
export type InTurn = <Result>(key: string, signal: AbortSignal, work: () => Promise<Result>) => Promise<Result>

export interface LedgerDeps {
  readonly store: ObjectStore
  readonly reader: ProcessReader
  readonly digests: Digests
  readonly clock: Clock
  readonly ids: Ids
  readonly log: Log
}

export function storeNowMs({ store, clock }: Pick<LedgerDeps, 'store' | 'clock'>): number {
  return store.nowMs?.() ?? clock.nowMs()
}

/** Ends an operation whose deadline has moved away, because the clock was set back. */
export const roundsMax = 60

const firstPauseMs = 25
const longestPauseMs = 1_000

/** Full jitter, so that those who met do not meet again. */
export function pauseMs(round: number, ids: Pick<Ids, 'fraction'>): number {
  return ids.fraction() * Math.min(longestPauseMs, firstPauseMs * 2 ** round)
}

/** In how many times the length of what they did those who met spread out. */
const spread = 4
const longestSpreadMs = 4_000

/** The same for those who meet whenever their doings, of `tookMs` each, overlap: by pauses of a few milliseconds they would again. */
export function spreadMs(round: number, tookMs: number, ids: Pick<Ids, 'fraction'>): number {
  return ids.fraction() * Math.min(longestSpreadMs, Math.max(firstPauseMs, spread * tookMs) * 2 ** round)
}
