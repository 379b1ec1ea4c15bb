import { CodedError, StoreDenied, StoreMisbehaved, StoreUnavailable } from '../../ports/errors.ts'
import type { AttemptResult, CallClass } from '../../ports/store-telemetry.ts'
import type { Circuit, Cockatiel, World } from './circuit.ts'
import type { Places } from './places.ts'
import type { RetryBudget } from './retry-budget.ts'
import type { ResilienceSettings, Times } from './settings.ts'

/** One call of the port, as often as it takes. */
export interface Call<Value> extends Times {
  /** For those who listen. */
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
  /** One attempt. Its signal is aborted when nobody waits for it any more. */
  attempt(signal: AbortSignal): Promise<Value>
  /**
   * Asked in place of a repetition, when an earlier attempt may have been heard: what it has done, or `undefined` when
   * nothing of it is to be seen. Then the attempt is made again.
   */
  settle?(signal: AbortSignal): Promise<Value | undefined>
}

export interface Guard {
  readonly cockatiel: Cockatiel
  readonly circuit: Circuit
  readonly places: Places
  readonly budget: RetryBudget
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
 * Ends the waiting whatever the work does. The signal of work that is done is left alone: nobody listens to it any more, and
 * to abort it costs more than all the rest of the policy, for the stack of an error that nobody sees.
 */
const untilAnswered = ({ TimeoutStrategy }: Cockatiel) =>
  ({ strategy: TimeoutStrategy.Aggressive, abortOnReturn: false }) as const

/**
 * Deadline > place > retry > circuit > attempt time-out > the call. Throws what the store threw in the end, or
 * `StoreUnavailable` when the time, the places or the circuit say so; its `effect` speaks for all attempts together.
 * The caller's abort ends it at once, with his reason, and is never counted against the store.
 */
export async function guarded<Value>(call: Call<Value>, guard: Guard): Promise<Value> {
  const { cockatiel, circuit, budget, world } = guard
  const progress: Progress = { maybeSent: false, waitMs: 0 }
  const deadline = cockatiel.timeout(call.deadlineMs, untilAnswered(cockatiel))
  const retries = retryPolicy(call, progress, guard)

  const tryOnce = async (retry: number, signal: AbortSignal): Promise<Answer<Value>> => {
    if (retry > 0) await world.clock.sleep(progress.waitMs, signal)
    const attempt = () => attemptInTime(call, retry, progress, signal, guard)
    return call.counted === false ? attempt() : circuit.run(attempt, signal)
  }

  const tryInPlace = async (signal: AbortSignal): Promise<Answer<Value>> => {
    const leave = await takePlace(call, guard, signal)
    try {
      return await retries.execute((context) => tryOnce(context.attempt, context.signal), signal)
    } finally {
      leave()
    }
  }

  call.signal.throwIfAborted()
  try {
    const answer = await deadline.execute(({ signal }) => tryInPlace(signal), call.signal)
    budget.earn()
    if ('refusal' in answer) throw answer.refusal
    return answer.value
  } catch (error) {
    call.signal.throwIfAborted()
    throw inOurWords(error, call, progress, guard)
  }
}

async function takePlace<Value>(
  { group, operation, deadlineMs }: Call<Value>,
  { places, world: { clock, tell } }: Guard,
  signal: AbortSignal,
): Promise<() => void> {
  const sinceMs = clock.nowMs()
  const leave = await places.take(deadlineMs + leaseGraceMs, signal)
  const waitedMs = clock.nowMs() - sinceMs
  if (waitedMs > 0) tell({ event: 'queued', group, operation, waitedMs, waiting: places.count().waiting })
  return leave
}

/**
 * cockatiel's own waiting between attempts ignores aborts, and would keep the place until it is over. So it only counts,
 * and the waiting is done by the attempt.
 */
function retryPolicy<Value>(call: Call<Value>, progress: Progress, { cockatiel, budget, settings, world }: Guard) {
  const { clock, ids, tell } = world
  const { group, operation } = call
  const endsAtMs = clock.nowMs() + call.deadlineMs
  let retriesLeft = settings.retriesMax

  const mayRetry = (error: unknown): boolean => {
    if (!(error instanceof StoreUnavailable) || error.again === 'never') return false
    if (!call.repeatable && error.effect !== 'never-sent') return false
    if (retriesLeft === 0 || clock.nowMs() + asked(error) >= endsAtMs) return false
    const cost = error.blame === 'load' ? settings.budgetPerThrottledRetry : settings.budgetPerRetry
    if (budget.spend(cost)) {
      retriesLeft = error.again === 'once' ? 0 : retriesLeft - 1
      return true
    }
    tell({ event: 'retry-denied', group, operation, budget: budget.left() })
    return false
  }
  const asked = ({ retryAfterMs = 0 }: StoreUnavailable) => Math.min(retryAfterMs, settings.retryAfterMaxMs)

  const policy = cockatiel.retry(cockatiel.handleWhen(mayRetry), { maxAttempts: settings.retriesMax })
  policy.onRetry(({ attempt: retry, ...reason }) => {
    if (!('error' in reason && reason.error instanceof StoreUnavailable)) return
    const { effect, message } = reason.error
    const backoffMs = Math.min(settings.backoffFirstMs * 2 ** (retry - 1), settings.backoffMaxMs)
    // Never sooner than asked, and not all at the same moment.
    const jitterMs = ids.fraction() * backoffMs
    progress.waitMs = Math.ceil(Math.max(jitterMs, asked(reason.error)))
    tell({
      event: 'retry',
      group,
      operation,
      retry,
      waitMs: progress.waitMs,
      effect,
      message,
      budget: budget.left(),
    })
  })
  return policy
}

async function attemptInTime<Value>(
  call: Call<Value>,
  retry: number,
  progress: Progress,
  signal: AbortSignal,
  { cockatiel, places, world: { clock, tell } }: Guard,
): Promise<Answer<Value>> {
  // A call that waited for a half-open circuit may come here late; cockatiel would start it all the same.
  signal.throwIfAborted()
  const startedAtMs = clock.nowMs()
  const over = (result: AttemptResult) =>
    tell({
      event: 'attempt',
      group: call.group,
      operation: call.operation,
      attempt: retry + 1,
      result,
      durationMs: clock.nowMs() - startedAtMs,
    })
  const { maybeSent } = progress
  progress.maybeSent = true
  try {
    const inTime = cockatiel.timeout(call.attemptMs, untilAnswered(cockatiel))
    const answer = await inTime.execute((attempt) => answerOf(call, maybeSent, attempt.signal), signal)
    progress.maybeSent = maybeSent
    places.grow()
    over('answered')
    return answer
  } catch (error) {
    const certain = error instanceof CodedError && !(error instanceof StoreUnavailable && error.effect === 'maybe-sent')
    if (certain) progress.maybeSent = maybeSent
    over(resultOf(error, signal))
    if (error instanceof StoreUnavailable && error.blame === 'load') places.shrink()
    // The same error stands for an abort from outside, which is not the store's fault.
    if (!cockatiel.isTaskCancelledError(error) || signal.aborted) throw error
    throw new StoreUnavailable(`the store did not answer within ${call.attemptMs} ms`, { cause: error })
  }
}

function resultOf(error: unknown, signal: AbortSignal): AttemptResult {
  if (signal.aborted) return 'left'
  if (!(error instanceof StoreUnavailable)) return error instanceof CodedError ? 'refused' : 'failed'
  return ({ store: 'failed', load: 'throttled', request: 'damaged' } as const)[error.blame]
}

async function answerOf<Value>(call: Call<Value>, maybeSent: boolean, signal: AbortSignal): Promise<Answer<Value>> {
  try {
    const settled = maybeSent ? await call.settle?.(signal) : undefined
    return { value: settled ?? (await call.attempt(signal)) }
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
