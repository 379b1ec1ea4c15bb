import { StoreUnavailable } from '../../ports/errors.ts'

export interface Places {
  /**
   * Waits for a place in turn, and returns the way to give it back. Throws `StoreUnavailable` at once when too many wait
   * already, and the signal's reason as soon as it is aborted. After `holdMs` the place is taken back.
   */
  take(holdMs: number, signal: AbortSignal): Promise<() => void>
  /** The store asked for fewer calls: half as many places, until calls work again. */
  shrink(): void
  /** A call worked: after as many of them as there are places, there is one place more, up to all of them. */
  grow(): void
  count(): { readonly running: number; readonly waiting: number; readonly places: number }
}

const crowdMs = 1_000

interface Waiter {
  readonly holdMs: number
  readonly giveUpAtMs: number
  admit(leave: () => void): void
}

/**
 * A bulkhead. Not cockatiel's, which runs a waiter's work in the call that makes room: Workers refuse that, "I/O on behalf
 * of a different request". Here a waiter is only woken. And since a request whose client has gone may end there without
 * another word, places are leased, and come back by themselves. Their number follows what the store bears: halved when it
 * throttles, then one more at a time (additive increase, multiplicative decrease, as in TCP).
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
  /** Not whole: each success adds its share of a place. */
  let borne = atOnce
  let shrunkAtMs = Number.NEGATIVE_INFINITY

  const hold = (holdMs: number): (() => void) => {
    const holder = Symbol('holder')
    holders.set(holder, nowMs() + holdMs)
    return () => {
      holders.delete(holder)
      admitWaiters()
    }
  }

  const isFree = () => holders.size < Math.floor(borne)

  /** Only where somebody waits: going through all holders costs, and nobody else needs to know. */
  const endLeases = (now: number): void => {
    for (const [holder, endsAtMs] of holders) if (endsAtMs <= now) holders.delete(holder)
  }

  const admitWaiters = (): void => {
    if (waiters.size === 0) return
    const now = nowMs()
    endLeases(now)
    for (const waiter of waiters) {
      if (!isFree()) return
      waiters.delete(waiter)
      if (waiter.giveUpAtMs > now) waiter.admit(hold(waiter.holdMs))
    }
  }

  return {
    async take(holdMs, signal) {
      signal.throwIfAborted()
      if (!isFree()) {
        endLeases(nowMs())
        admitWaiters()
      }
      if (waiters.size === 0 && isFree()) return hold(holdMs)
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

    shrink() {
      // Calls that were under way together are told off together, for one and the same crowd.
      const now = nowMs()
      if (now - shrunkAtMs < crowdMs) return
      shrunkAtMs = now
      borne = Math.max(1, Math.floor(borne / 2))
    },

    grow() {
      if (borne >= atOnce) return
      borne = Math.min(atOnce, borne + 1 / borne)
      admitWaiters()
    },

    count: () => ({ running: holders.size, waiting: waiters.size, places: Math.floor(borne) }),
  }
}
