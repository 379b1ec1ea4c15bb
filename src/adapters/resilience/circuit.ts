import type { CircuitBreakerPolicy, IHalfOpenAfterBackoffContext } from 'cockatiel'
import type { Clock } from '../../ports/clock.ts'
import { StoreUnavailable } from '../../ports/errors.ts'
import type { Ids } from '../../ports/ids.ts'
import type { CallClass, ClassHealth, StoreTelemetry } from '../../ports/store-telemetry.ts'
import type { ResilienceSettings } from './settings.ts'

/** Loaded inside a call only: it makes AbortControllers when it is loaded, which Workers forbid outside of requests. */
export type Cockatiel = typeof import('cockatiel')

export interface World {
  readonly clock: Clock
  readonly ids: Pick<Ids, 'fraction'>
  readonly tell: StoreTelemetry
}

export type CircuitState = Pick<ClassHealth, 'circuit' | 'retryAfterMs'>

/** Whether it is worth asking the store. */
export interface Circuit {
  /**
   * Counts `StoreUnavailable` as a failure, by what it blames: the store in full, its load half, the request not at all. A
   * value is a success; other errors are neither. Refuses at once, with cockatiel's `BrokenCircuitError`, while the circuit
   * is open or enough others are trying whether it may close.
   */
  run<Value>(attempt: () => Promise<Value>, signal: AbortSignal): Promise<Value>
  /** For failures after the call has returned: in the middle of a body. */
  countFailure(failure: StoreUnavailable): void
  state(): CircuitState
}

export function createCircuit(
  cockatiel: Cockatiel,
  group: CallClass,
  settings: ResilienceSettings,
  { clock, ids, tell }: World,
): Circuit {
  let reopensAtMs = 0
  let triesSinceMs = 0
  let tries = 0
  let successes = 0
  let halfAFailure = false

  const openFor = ({ attempt }: IHalfOpenAfterBackoffContext): number => {
    const openMs = Math.min(settings.openFirstMs * 2 ** (attempt - 1), settings.openMaxMs)
    const jitteredMs = openMs * (0.75 + 0.25 * ids.fraction())
    reopensAtMs = clock.nowMs() + jitteredMs
    return jitteredMs
  }

  const state = (): CircuitState => {
    const { Open, HalfOpen } = cockatiel.CircuitState
    if (breaker.state === Open) {
      return { circuit: 'open', retryAfterMs: Math.max(0, Math.ceil(reopensAtMs - clock.nowMs())) }
    }
    const trying = breaker.state === HalfOpen
    return trying
      ? { circuit: 'half-open', retryAfterMs: tries < settings.halfOpenCalls ? 0 : settings.fullRetryAfterMs }
      : { circuit: 'closed', retryAfterMs: 0 }
  }

  /** What is not counted proves the store alive to a half-open circuit, so there load counts in full. */
  const speaksAgainstStore = (error: unknown): boolean => {
    if (!(error instanceof StoreUnavailable) || error.blame === 'request') return false
    if (error.blame === 'store' || breaker.state === cockatiel.CircuitState.HalfOpen) return true
    halfAFailure = !halfAFailure
    return !halfAFailure
  }

  const createBreaker = (): CircuitBreakerPolicy => {
    const created = cockatiel.circuitBreaker(cockatiel.handleWhen(speaksAgainstStore), {
      breaker: new cockatiel.CountBreaker({
        threshold: settings.circuitFailuresMax,
        size: settings.circuitCalls,
        minimumNumberOfCalls: settings.circuitCallsMin,
      }),
      halfOpenAfter: new cockatiel.DelegateBackoff(openFor),
      halfOpenSampling: { calls: settings.halfOpenCalls, threshold: settings.halfOpenFailuresMax },
    })
    created.onHalfOpen(() => {
      // The call that finds the circuit due is the first to try.
      tries = 1
      successes = 0
      triesSinceMs = clock.nowMs()
    })
    // One that was given up for a new one may still hear from those who try.
    created.onStateChange(() => created === breaker && tell({ event: 'circuit', group, ...state() }))
    return created
  }

  let breaker = createBreaker()

  const close = (): void => {
    breaker = createBreaker()
    tell({ event: 'circuit', group, ...state() })
  }

  /** As soon as the tries that are still out cannot change it: one of them may be busy with a large body for long. */
  const countSuccess = (tried: CircuitBreakerPolicy): void => {
    if (tried !== breaker || breaker.state !== cockatiel.CircuitState.HalfOpen) return
    successes += 1
    const failuresAtMost = settings.halfOpenCalls - successes
    if (failuresAtMost / settings.halfOpenCalls <= settings.halfOpenFailuresMax) close()
  }

  /** cockatiel lets callers wait for those who try: deaf to aborts, and for ever where a Worker's request was cut off. */
  const joinTries = (): void => {
    if (breaker.state !== cockatiel.CircuitState.HalfOpen) return
    if (tries < settings.halfOpenCalls) tries += 1
    else if (clock.nowMs() - triesSinceMs < settings.halfOpenMaxMs) throw new cockatiel.BrokenCircuitError()
    else close()
  }

  const run: Circuit['run'] = async (attempt, signal) => {
    joinTries()
    const tried = breaker
    return tried.execute(async () => {
      try {
        const value = await attempt()
        countSuccess(tried)
        return value
      } catch (error) {
        // cockatiel takes what it does not handle for a success of a half-open circuit: a caller who left before there was
        // an answer would prove the store's health.
        const unproved = signal.aborted && tried.state === cockatiel.CircuitState.HalfOpen
        throw unproved ? new StoreUnavailable('left before the store answered', { cause: error }) : error
      }
    }, signal)
  }

  return {
    run,
    state,
    countFailure(failure) {
      // The only way in. While the circuit is open there is nothing to count.
      run(() => Promise.reject(failure), new AbortController().signal).catch(() => {})
    },
  }
}
