/** `app`: all but requests; of these, `errors`: warnings and errors, `system`: what belongs to no request. */
export const logTypes = ['app', 'requests', 'errors', 'system'] as const
export type LogType = (typeof logTypes)[number]

export interface LogStatistics {
  readonly type: LogType
  readonly lines: number
  readonly sizeBytes: number
  /** When its last line came or it was cleared; else when the log was begun. */
  readonly modifiedAt: Date
}

/** The last lines that this instance has logged, as people read them. Kept in memory, bounded, gone at its end. */
export interface RecentLines {
  /** The newest last; without `count` all that are kept. */
  tail(type: LogType, count?: number): readonly string[]
  statistics(): readonly LogStatistics[]
  clear(type: LogType): void
}
