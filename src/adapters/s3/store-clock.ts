/** What time it is for the store, by the `Date` of its answers. */
export interface StoreClock {
  /** Takes what is no date for nothing. */
  saw(date: string | undefined): void
  /** The date of its last answer and what has passed since; `undefined` before the first. Good to a second or two. */
  nowMs(): number | undefined
}

/** Does not look at the wall clock of this machine, which may jump and may be wrong. */
export function createStoreClock(monotonicMs: () => number = () => performance.now()): StoreClock {
  let last: { readonly dateMs: number; readonly atMs: number } | undefined
  return {
    saw(date) {
      const dateMs = Date.parse(date ?? '')
      if (!Number.isNaN(dateMs)) last = { dateMs, atMs: monotonicMs() }
    },
    nowMs: () => last && last.dateMs + monotonicMs() - last.atMs,
  }
}
