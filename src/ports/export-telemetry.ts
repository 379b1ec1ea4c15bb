/** `complete`: every byte that was asked for. `left`: the client went away. `broken`: the store failed, or an object had changed. */
export type DownloadOutcome = 'complete' | 'left' | 'broken'

/** What is counted of the bytes of exports, as they go. Must not throw, and must return at once. */
export interface ExportTelemetry {
  /** So many bytes were handed to the client's connection. */
  delivered(bytes: number): void
  ended(outcome: DownloadOutcome): void
}
