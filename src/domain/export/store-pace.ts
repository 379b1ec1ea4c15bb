import type { Clock } from '../../ports/clock.ts'

/** A connection that gives less than this is worth a second one beside it; a store nearby gives several times as much. */
const slowBytesPerSecond = 64 * 1024 * 1024
/** Half the weight of what was seen before so many bytes. */
const memoryBytes = 4 * 1024 * 1024

/** How fast one connection of the store gives bytes to somebody who waits for them. */
export interface StorePace {
  /** Waits for `next` and counts what it gives; the time in which nobody waits is the reader's own. */
  waitFor<Result extends { readonly value?: Uint8Array | undefined }>(next: Promise<Result>): Promise<Result>
  /** False as long as nothing is known. */
  isSlow(): boolean
}

export function createStorePace(clock: Pick<Clock, 'nowMs'>): StorePace {
  let bytes = 0
  let waitedMs = 0
  return {
    async waitFor(next) {
      const sinceMs = clock.nowMs()
      const result = await next
      waitedMs += Math.max(0, clock.nowMs() - sinceMs)
      bytes += result.value?.byteLength ?? 0
      if (bytes > memoryBytes) {
        bytes /= 2
        waitedMs /= 2
      }
      return result
    },
    isSlow: () => bytes >= memoryBytes / 4 && (bytes / waitedMs) * 1000 < slowBytesPerSecond,
  }
}
