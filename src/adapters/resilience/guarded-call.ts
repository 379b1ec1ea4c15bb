import { CodedError, StoreDenied, StoreMisbehaved, StoreUnavailable } from '../../ports/errors.ts'
import type { CallClass, Circuit, Cockatiel, World } from './circuit.ts'
import type { Places } from './places.ts'
import type { ResilienceSettings, Times } from './settings.ts'

/** One call of the port, as often as it takes. */
export interface Call<Value> extends Times {
  /** For the log. */
  readonly operation: string
  readonly group: CallClass
  /** The caller's. */
  readonly signal: AbortSignal
  /** Whether doing it twice is as good as once. If not, only what was never sent is tried again. */
  readonly repeatable: boolean
  /** It changes something, so that what an earlier attempt may have done matters. Default: false. */
  readonly writes?: boolean
  /** False where a failure says nothing about the store's health. Default: true. */
  readonly counted?: boolean
  /** One attempt. Its signal is aborted when nobody waits for it any more, and in any case when it is over. */
  attempt(signal: AbortSignal): Promise<Value>
}

export interface Guard {
  readonly cockatiel: Cockatiel
  readonly circuit: Circuit
  readonly places: Places
  readonly settings: ResilienceSettings
  readonly world: World
}

/** An expected answer of the store, also when the port throws it: it shows that the store is alive. */
type Answer<Value> = { readonly value: Value } | { readonly refusal: CodedError }

/** What is known of a call while it goes on. */
interface Progress {
  /** Something was sent whose effect is not known. */
  maybeSent: boolean
  /** Before the next attempt. */
  waitMs: number
}

/** A place is taken back this long after its call must have ended. */
const leaseGraceMs = 1_000

/**
 * Deadline > place > retry > circuit > attempt time-out > the call. Throws what the store threw in the end, or
 * `StoreUnavailable` when the time, the places or the circuit say so; its `effect` speaks for all attempts together.
 * The caller's abort ends it at once, with his reason, and is never counted against the store.
 */
export async function guarded<Value>(call: Call<Value>, guard: Guard): Promise<Value> {
  const { cockatiel, circuit, places, world } = guard
  const progress: Progress = { maybeSent: false, waitMs: 0 }
  const deadline = cockatiel.timeout(call.deadlineMs, cockatiel.TimeoutStrategy.Aggressive)
  const retries = retryPolicy(call, progress, guard)

  const tryOnce = async (retry: number, signal: AbortSignal): Promise<Answer<Value>> => {
    if (retry > 0) await world.clock.sleep(progress.waitMs, signal)
    const attempt = () => attemptInTime(call, progress, signal, cockatiel)
    return call.counted === false ? attempt() : circuit.run(attempt, signal)
  }

  const tryInPlace = async (signal: AbortSignal): Promise<Answer<Value>> => {
    const leave = await places.take(call.deadlineMs + leaseGraceMs, signal)
    try {
      return await retries.execute((context) => tryOnce(context.attempt, context.signal), signal)
    } finally {
      leave()
    }
  }

  call.signal.throwIfAborted()
  try {
    const answer = await deadline.execute(({ signal }) => tryInPlace(signal), call.signal)
    if ('refusal' in answer) throw answer.refusal
    return answer.value
  } catch (error) {
    call.signal.throwIfAborted()
    throw inOurWords(error, call, progress, guard)
  }
}

/**
 * cockatiel's own waiting between attempts ignores aborts, and would keep the place until it is over. So it only counts,
 * and the waiting is done by the attempt.
 */
function retryPolicy<Value>(call: Call<Value>, progress: Progress, { cockatiel, settings, world }: Guard) {
  const { clock, ids, log } = world
  const endsAtMs = clock.nowMs() + call.deadlineMs
  const mayRetry = (error: unknown): boolean => {
    if (!(error instanceof StoreUnavailable)) return false
    if (!call.repeatable && error.effect !== 'never-sent') return false
    return clock.nowMs() + (error.retryAfterMs ?? 0) < endsAtMs
  }
  const policy = cockatiel.retry(cockatiel.handleWhen(mayRetry), { maxAttempts: settings.retriesMax })
  policy.onRetry(({ attempt: retry, ...reason }) => {
    const failure = 'error' in reason && reason.error instanceof StoreUnavailable ? reason.error : undefined
    const backoffMs = Math.min(settings.backoffFirstMs * 2 ** (retry - 1), settings.backoffMaxMs)
    progress.waitMs = Math.ceil(Math.max(ids.fraction() * backoffMs, failure?.retryAfterMs ?? 0))
    log.warn('store-retry', {
      operation: call.operation,
      retry,
      waitMs: progress.waitMs,
      effect: failure?.effect,
      message: failure?.message,
    })
  })
  return policy
}

async function attemptInTime<Value>(
  call: Call<Value>,
  progress: Progress,
  signal: AbortSignal,
  { timeout, TimeoutStrategy, isTaskCancelledError }: Cockatiel,
): Promise<Answer<Value>> {
  // A call that waited for a half-open circuit may come here late; cockatiel would start it all the same.
  signal.throwIfAborted()
  const { maybeSent } = progress
  progress.maybeSent = true
  try {
    const inTime = timeout(call.attemptMs, TimeoutStrategy.Aggressive)
    const answer = await inTime.execute((attempt) => answerOf(call, attempt.signal), signal)
    progress.maybeSent = maybeSent
    return answer
  } catch (error) {
    const certain = error instanceof CodedError && !(error instanceof StoreUnavailable && error.effect === 'maybe-sent')
    if (certain) progress.maybeSent = maybeSent
    // The same error stands for an abort from outside, which is not the store's fault.
    if (!isTaskCancelledError(error) || signal.aborted) throw error
    throw new StoreUnavailable(`the store did not answer within ${call.attemptMs} ms`, { cause: error })
  }
}

async function answerOf<Value>(call: Call<Value>, signal: AbortSignal): Promise<Answer<Value>> {
  try {
    return { value: await call.attempt(signal) }
  } catch (error) {
    // A refusal of our credentials may come from a proxy, and nonsense from anybody: they prove nothing either way.
    const proof =
      error instanceof CodedError &&
      !(error instanceof StoreUnavailable || error instanceof StoreDenied || error instanceof StoreMisbehaved)
    if (proof) return { refusal: error }
    throw error
  }
}

function inOurWords<Value>(
  error: unknown,
  { deadlineMs, writes }: Call<Value>,
  { maybeSent }: Progress,
  { cockatiel, circuit }: Guard,
): unknown {
  const unavailable = (message: string, retryAfterMs?: number) =>
    new StoreUnavailable(message, { cause: error, effect: maybeSent ? 'maybe-sent' : 'never-sent', retryAfterMs })
  if (cockatiel.isBrokenCircuitError(error)) {
    return unavailable('the store has failed too often and is left alone', circuit.state().retryAfterMs)
  }
  if (cockatiel.isTaskCancelledError(error)) return unavailable(`the store was not done within ${deadlineMs} ms`)
  // An earlier attempt may have been heard, even if the last one was not.
  if (error instanceof StoreUnavailable && maybeSent && error.effect === 'never-sent') {
    return unavailable(error.message, error.retryAfterMs)
  }
  // Refused now, but an earlier attempt may have done it: only looking can tell.
  if (writes === true && maybeSent && error instanceof CodedError && !(error instanceof StoreUnavailable)) {
    return unavailable(error.message)
  }
  return error
}
