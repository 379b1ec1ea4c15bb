import type { Clock } from '../../ports/clock.ts'
import type { CallOptions } from '../../ports/object-store.ts'

/** The next look at something that changes: begun after it was asked for, so that what was done before is in it. */
export type NextLook<Seen> = (options: CallOptions) => Promise<Seen>

interface Looking<Seen> {
  readonly clock: Clock
  /** The time between two looks. */
  readonly everyMs: number
  look(options: CallOptions): Promise<Seen>
}

interface Waiting<Seen> {
  resolve(seen: Seen): void
  reject(error: unknown): void
}

/**
 * One look for all who wait, however many they are; none while nobody does. Not for Workers, where one request cannot wait
 * for the work of another. `onIdle` is called when the last who waited has got his look, and asks for no other.
 */
export function sharedLooks<Seen>({
  clock,
  everyMs,
  look,
  onIdle = () => {},
}: Looking<Seen> & { onIdle?: () => void }): NextLook<Seen> {
  const waiting = new Set<Waiting<Seen>>()
  // Nobody's own: who leaves must not end the look of the others.
  const { signal } = new AbortController()
  let isLooking = false

  const lookOnce = async (): Promise<void> => {
    const asking = [...waiting]
    waiting.clear()
    try {
      const seen = await look({ signal })
      for (const { resolve } of asking) resolve(seen)
    } catch (error) {
      for (const { reject } of asking) reject(error)
    }
  }

  const lookOn = async (): Promise<void> => {
    while (waiting.size > 0) {
      await lookOnce()
      await clock.sleep(everyMs, signal)
    }
    isLooking = false
    onIdle()
  }

  return async ({ signal: callers }) => {
    callers.throwIfAborted()
    let leave = () => {}
    try {
      return await new Promise<Seen>((resolve, reject) => {
        const one = { resolve, reject }
        leave = () => {
          waiting.delete(one)
          reject(callers.reason)
        }
        callers.addEventListener('abort', leave, { once: true })
        waiting.add(one)
        if (isLooking) return
        isLooking = true
        // Those who come together share the first look, too.
        queueMicrotask(lookOn)
      })
    } finally {
      callers.removeEventListener('abort', leave)
    }
  }
}

/** Looks of one's own: the first at once, each further one so long after the one before. */
export function ownLooks<Seen>({ clock, everyMs, look }: Looking<Seen>): NextLook<Seen> {
  let isFirst = true
  return async (options) => {
    if (!isFirst) await clock.sleep(everyMs, options.signal)
    isFirst = false
    return await look(options)
  }
}
