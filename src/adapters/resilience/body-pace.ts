import type { Clock } from '../../ports/clock.ts'
import { StoreUnavailable } from '../../ports/errors.ts'

/** It moves, and not fast enough to ever be done: the bytes that it gave are no sign of life. */
export class TooSlow extends StoreUnavailable {}

export interface PaceLimits {
  readonly bodyIdleMs: number
  readonly bodyFloorBytesPerSecond: number
  readonly bodyFloorWindowMs: number
}

/** Watches one connection that gives a body. Time in which nobody reads does not count: a slow reader is not a slow store. */
export interface BodyPace {
  /** A read begins to wait. */
  wait(): void
  /** It got so many bytes. Throws `TooSlow` when they come more slowly than they may. */
  moved(bytes: number): void
  stop(): void
}

/**
 * `onStandstill` is called once when a read has waited for `bodyIdleMs`. One timer runs for many reads: it looks back when
 * it rings, and sleeps on when something has moved.
 */
export function createBodyPace(
  { bodyIdleMs, bodyFloorBytesPerSecond, bodyFloorWindowMs }: PaceLimits,
  clock: Clock,
  onStandstill: (failure: StoreUnavailable) => void,
): BodyPace {
  const stopped = new AbortController()
  let waitingSinceMs: number | undefined
  let watching = false
  let waitedMs = 0
  let movedBytes = 0

  const watch = async (): Promise<void> => {
    watching = true
    try {
      while (waitingSinceMs !== undefined) {
        const idleMs = Math.max(0, clock.nowMs() - waitingSinceMs)
        if (idleMs >= bodyIdleMs) {
          return onStandstill(new StoreUnavailable(`the body stood still for ${bodyIdleMs} ms`))
        }
        await clock.sleep(bodyIdleMs - idleMs, stopped.signal)
      }
    } catch (error) {
      if (!stopped.signal.aborted) throw error
    } finally {
      watching = false
    }
  }

  return {
    wait() {
      waitingSinceMs = clock.nowMs()
      if (!watching) void watch()
    },

    moved(bytes) {
      waitedMs += Math.max(0, clock.nowMs() - (waitingSinceMs ?? clock.nowMs()))
      waitingSinceMs = undefined
      movedBytes += bytes
      if (waitedMs < bodyFloorWindowMs) return
      const bytesPerSecond = (movedBytes / waitedMs) * 1000
      waitedMs = 0
      movedBytes = 0
      if (bytesPerSecond < bodyFloorBytesPerSecond) {
        throw new TooSlow(`the body moves at ${Math.round(bytesPerSecond)} bytes a second`)
      }
    },

    stop() {
      waitingSinceMs = undefined
      stopped.abort('stopped')
    },
  }
}
