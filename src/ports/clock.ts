export interface Clock {
  /** Wall-clock milliseconds since 1970. May jump; never used to order events of different machines. */
  nowMs(): number
  /** Resolves after `durationMs`, or throws the signal's reason as soon as it is aborted. Leaves no timer behind. */
  sleep(durationMs: number, signal: AbortSignal): Promise<void>
}
