import { StoreUnavailable } from '../../ports/errors.ts'

export interface Places {
  /**
   * Waits for a place in turn, and returns the way to give it back. Throws `StoreUnavailable` at once when too many wait
   * already, and the signal's reason as soon as it is aborted. After `holdMs` the place is taken back.
   */
  take(holdMs: number, signal: AbortSignal): Promise<() => void>
  count(): { readonly running: number; readonly waiting: number }
}

interface Waiter {
  readonly holdMs: number
  readonly giveUpAtMs: number
  admit(leave: () => void): void
}

/**
 * A bulkhead. Not cockatiel's, which runs a waiter's work in the call that makes room: Workers refuse that, "I/O on behalf
 * of a different request". Here a waiter is only woken. And since a request whose client has gone may end there without
 * another word, places are leased, and come back by themselves.
 */
export function createPlaces(options: {
  atOnce: number
  queued: number
  /** What a caller is told who found the queue full. */
  fullRetryAfterMs: number
  nowMs: () => number
}): Places {
  const { atOnce, queued, fullRetryAfterMs, nowMs } = options
  /** Each holder, with the time at which its lease ends. */
  const holders = new Map<symbol, number>()
  const waiters = new Set<Waiter>()

  const hold = (holdMs: number): (() => void) => {
    const holder = Symbol('holder')
    holders.set(holder, nowMs() + holdMs)
    return () => {
      holders.delete(holder)
      admitWaiters()
    }
  }

  const admitWaiters = (): void => {
    const now = nowMs()
    for (const [holder, endsAtMs] of holders) if (endsAtMs <= now) holders.delete(holder)
    for (const waiter of waiters) {
      if (holders.size >= atOnce) return
      waiters.delete(waiter)
      if (waiter.giveUpAtMs > now) waiter.admit(hold(waiter.holdMs))
    }
  }

  return {
    async take(holdMs, signal) {
      signal.throwIfAborted()
      admitWaiters()
      if (holders.size < atOnce) return hold(holdMs)
      if (waiters.size >= queued) {
        throw new StoreUnavailable('too many calls are waiting for the store', {
          effect: 'never-sent',
          retryAfterMs: fullRetryAfterMs,
        })
      }
      let giveUp = () => {}
      try {
        return await new Promise<() => void>((admit, reject) => {
          const waiter: Waiter = { holdMs, giveUpAtMs: nowMs() + holdMs, admit }
          giveUp = () => {
            waiters.delete(waiter)
            reject(signal.reason)
          }
          signal.addEventListener('abort', giveUp, { once: true })
          waiters.add(waiter)
        })
      } finally {
        signal.removeEventListener('abort', giveUp)
      }
    },

    count: () => ({ running: holders.size, waiting: waiters.size }),
  }
}
