import { CodedError, StoreDenied, StoreMisbehaved, StoreUnavailable } from '../../ports/errors.ts'
import type { Circuit, Cockatiel, World } from './circuit.ts'
import type { ResilienceSettings, Times } from './settings.ts'

/** One call of the port, as often as it takes. */
export interface Call<Value> extends Times {
  /** For the log. */
  readonly operation: string
  /** The caller's. */
  readonly signal: AbortSignal
  /** Whether doing it twice is as good as once. If not, only what was never sent is tried again. */
  readonly repeatable: boolean
  /** False where a failure says nothing about the store's health. Default: true. */
  readonly counted?: boolean
  /** One attempt. Must end soon after its signal is aborted, which it is in any case when the attempt is over. */
  attempt(signal: AbortSignal): Promise<Value>
}

/** An expected answer of the store, also when the port throws it: it shows that the store is alive. */
type Answer<Value> = { readonly value: Value } | { readonly refusal: CodedError }

/** What is known of a call while it goes on. */
interface Progress {
  /** Something was sent whose effect is not known. */
  maybeSent: boolean
  waitMs: number
}

/**
 * Deadline > bulkhead > retry > breaker > attempt time-out > the call. Throws what the store threw in the end, or
 * `StoreUnavailable` when the time, the places or the circuit say so; its `effect` speaks for all attempts together.
 * The caller's abort ends it at once, with his reason, and is never counted against the store.
 */
export async function guarded<Value>(
  call: Call<Value>,
  { bulkhead, breaker, health }: Circuit,
  { cockatiel, settings, world }: { cockatiel: Cockatiel; settings: ResilienceSettings; world: World },
): Promise<Value> {
  const { handleWhen, isBrokenCircuitError, isBulkheadRejectedError, isTaskCancelledError, retry, timeout } = cockatiel
  const aggressive = cockatiel.TimeoutStrategy.Aggressive
  const progress: Progress = { maybeSent: false, waitMs: 0 }
  const endsAtMs = world.clock.nowMs() + call.deadlineMs

  const attempt = async (signal: AbortSignal): Promise<Answer<Value>> => {
    let answered = false
    try {
      const answer = await timeout(call.attemptMs, aggressive).execute((inTime) => answerOf(call, inTime.signal), signal)
      answered = true
      return answer
    } catch (error) {
      if (isTaskCancelledError(error) && !signal.aborted) {
        throw new StoreUnavailable(`the store did not answer within ${call.attemptMs} ms`, { cause: error })
      }
      answered = error instanceof StoreUnavailable && error.effect === 'never-sent'
      throw error
    } finally {
      progress.maybeSent ||= !answered
    }
  }

  const mayRetry = (error: unknown): boolean => {
    if (!(error instanceof StoreUnavailable)) return false
    if (!call.repeatable && error.effect !== 'never-sent') return false
    return world.clock.nowMs() + (error.retryAfterMs ?? 0) < endsAtMs
  }

  // No waiting here: cockatiel's ignores aborts, and would hold the place in the bulkhead until it is over.
  const retries = retry(handleWhen(mayRetry), { maxAttempts: settings.retriesMax })
  retries.onRetry(({ attempt: retryNumber, ...failure }) => {
    const error = 'error' in failure && failure.error instanceof StoreUnavailable ? failure.error : undefined
    const backoffMs = Math.min(settings.backoffFirstMs * 2 ** (retryNumber - 1), settings.backoffMaxMs)
    progress.waitMs = Math.max(world.ids.fraction() * backoffMs, error?.retryAfterMs ?? 0)
    const delayMs = Math.round(progress.waitMs)
    world.log.warn('store-retry', {
      operation: call.operation,
      attempt: retryNumber + 1,
      delayMs,
      effect: error?.effect,
      message: error?.message,
    })
  })

  call.signal.throwIfAborted()
  try {
    const answer = await timeout(call.deadlineMs, aggressive).execute(
      (inTime) =>
        bulkhead.execute(
          (placed) =>
            retries.execute(async ({ attempt: retryNumber, signal }) => {
              if (retryNumber > 0) await world.clock.sleep(progress.waitMs, signal)
              signal.throwIfAborted()
              return call.counted === false ? attempt(signal) : breaker.execute(() => attempt(signal), signal)
            }, placed.signal),
          inTime.signal,
        ),
      call.signal,
    )
    if ('refusal' in answer) throw answer.refusal
    return answer.value
  } catch (error) {
    call.signal.throwIfAborted()
    const effect = progress.maybeSent ? 'maybe-sent' : 'never-sent'
    if (isBulkheadRejectedError(error)) {
      const retryAfterMs = settings.fullRetryAfterMs
      throw new StoreUnavailable('too many calls are waiting for the store', { cause: error, effect, retryAfterMs })
    }
    if (isBrokenCircuitError(error)) {
      const { retryAfterMs } = health()
      throw new StoreUnavailable('the store is left alone for a while', { cause: error, effect, retryAfterMs })
    }
    if (isTaskCancelledError(error)) {
      throw new StoreUnavailable(`the store was not done within ${call.deadlineMs} ms`, { cause: error, effect })
    }
    if (error instanceof StoreUnavailable && error.effect !== effect) {
      const { message, retryAfterMs } = error
      throw new StoreUnavailable(message, { cause: error, effect, retryAfterMs })
    }
    throw error
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
