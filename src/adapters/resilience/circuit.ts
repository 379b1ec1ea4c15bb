import type { BulkheadPolicy, CircuitBreakerPolicy, IHalfOpenAfterBackoffContext } from 'cockatiel'
import type { Clock } from '../../ports/clock.ts'
import { StoreUnavailable } from '../../ports/errors.ts'
import type { Ids } from '../../ports/ids.ts'
import type { Log } from '../../ports/log.ts'
import type { ResilienceSettings } from './settings.ts'

/** Loaded inside a call only: it makes AbortControllers when it is loaded, which Workers forbid outside of requests. */
export type Cockatiel = typeof import('cockatiel')

/** Calls that fail together. A first listing that takes minutes must not cut off downloads. */
export type CallClass = 'data' | 'meta' | 'list'

export interface World {
  readonly clock: Clock
  readonly ids: Pick<Ids, 'fraction'>
  readonly log: Log
}

export interface CircuitHealth {
  readonly circuit: 'closed' | 'open' | 'half-open'
  /** How long calls will still be refused. 0 unless open. */
  readonly retryAfterMs: number
  readonly running: number
  readonly waiting: number
}

/** What the calls of one class share: how many may run at once, and whether it is worth trying. */
export interface Circuit {
  readonly bulkhead: BulkheadPolicy
  /** Counts `StoreUnavailable` as failures and values as successes. Other errors are neither. */
  readonly breaker: CircuitBreakerPolicy
  health(): CircuitHealth
  /** For failures after the call has returned: in the middle of a body. */
  countFailure(failure: StoreUnavailable): void
}

export const idle: CircuitHealth = { circuit: 'closed', retryAfterMs: 0, running: 0, waiting: 0 }

export function createCircuit(
  cockatiel: Cockatiel,
  name: CallClass,
  settings: ResilienceSettings,
  { clock, ids, log }: World,
): Circuit {
  const { bulkhead, circuitBreaker, handleType, CircuitState, CountBreaker, DelegateBackoff } = cockatiel
  const atOnce = settings[`${name}AtOnce`]
  const queued = settings[`${name}Queued`]
  let reopensAtMs = 0

  const places = bulkhead(atOnce, queued)
  const breaker = circuitBreaker(handleType(StoreUnavailable), {
    breaker: new CountBreaker({
      threshold: settings.circuitFailuresMax,
      size: settings.circuitCalls,
      minimumNumberOfCalls: settings.circuitCallsMin,
    }),
    halfOpenAfter: new DelegateBackoff<IHalfOpenAfterBackoffContext>(({ attempt }) => {
      const openMs = Math.min(settings.openFirstMs * 2 ** (attempt - 1), settings.openMaxMs)
      const jitteredMs = openMs * (0.75 + 0.25 * ids.fraction())
      reopensAtMs = clock.nowMs() + jitteredMs
      return jitteredMs
    }),
    halfOpenSampling: { calls: settings.halfOpenCalls, threshold: settings.halfOpenFailuresMax },
  })

  const health = (): CircuitHealth => {
    const open = breaker.state === CircuitState.Open
    return {
      circuit: open ? 'open' : breaker.state === CircuitState.HalfOpen ? 'half-open' : 'closed',
      retryAfterMs: open ? Math.max(0, Math.ceil(reopensAtMs - clock.nowMs())) : 0,
      running: atOnce - places.executionSlots,
      waiting: queued - places.queueSlots,
    }
  }

  breaker.onStateChange(() => {
    const { circuit, retryAfterMs } = health()
    log.warn('store-circuit', { class: name, circuit, retryAfterMs })
  })

  return {
    bulkhead: places,
    breaker,
    health,
    countFailure(failure) {
      // The only way in. Where the circuit is open already there is nothing to count.
      breaker.execute(() => Promise.reject(failure)).catch(() => {})
    },
  }
}
