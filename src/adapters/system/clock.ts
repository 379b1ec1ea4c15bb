import type { Clock } from '../../ports/clock.ts'

// Timers hold a signed 32-bit number of milliseconds; anything longer would fire at once.
const longestTimerMs = 2 ** 31 - 1

/** The clock of the machine. Sleeps of any length are kept, in stretches of 24 days. */
export function createSystemClock(): Clock {
  return {
    nowMs: Date.now,

    async sleep(durationMs, signal) {
      let leftMs = durationMs
      do {
        const stretchMs = Math.min(leftMs, longestTimerMs)
        await timer(stretchMs, signal)
        leftMs -= stretchMs
      } while (leftMs > 0)
    },
  }
}

function timer(durationMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason)
    const wake = () => {
      signal.removeEventListener('abort', stop)
      resolve()
    }
    const stop = () => {
      clearTimeout(timeout)
      reject(signal.reason)
    }
    const timeout = setTimeout(wake, durationMs)
    signal.addEventListener('abort', stop, { once: true })
  })
}
