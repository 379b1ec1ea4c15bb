export type Metrics = Readonly<Record<string, number>>

/** Measured at one step. Several may come with one report, and share its `seq`. */
export interface MetricPoint {
  readonly seq: number
  readonly step: number
  /** ISO 8601: when the worker says that it was, or when the report came. */
  readonly at: string
  readonly metrics: Metrics
}
