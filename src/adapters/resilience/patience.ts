import type { Clock } from '../../ports/clock.ts'
import { StoreUnavailable } from '../../ports/errors.ts'
import type { Ids } from '../../ports/ids.ts'
import type { ResilienceSettings } from './settings.ts'

export interface Patience {
  readonly endsAtMs: number
  readonly settings: Pick<ResilienceSettings, 'backoffMaxMs'>
  readonly clock: Clock
  readonly ids: Pick<Ids, 'fraction'>
  readonly signal: AbortSignal
}

/**
 * Makes a guarded call again while the store is away, until `endsAtMs`: for what would lose the work of an hour to an outage
 * of a minute. Whoever calls it knows that doing the work twice is as good as once. `round` counts from 0. Throws the last
 * failure, or at once what time does not mend, and a store that asks for fewer calls.
 */
export async function patiently<Value>(
  { endsAtMs, settings, clock, ids, signal }: Patience,
  work: (round: number) => Promise<Value>,
): Promise<Value> {
  const limitMs = endsAtMs - clock.nowMs()
  // Beside the clock, which may be set back.
  let waitedMs = 0
  for (let round = 0; ; round++) {
    try {
      return await work(round)
    } catch (error) {
      signal.throwIfAborted()
      if (!(error instanceof StoreUnavailable) || error.blame !== 'store' || error.again !== 'usual') throw error
      const waitMs = Math.max(error.retryAfterMs ?? 0, settings.backoffMaxMs * (0.5 + 0.5 * ids.fraction()))
      waitedMs += waitMs
      if (clock.nowMs() + waitMs >= endsAtMs || waitedMs >= limitMs) throw error
      await clock.sleep(waitMs, signal)
    }
  }
}
