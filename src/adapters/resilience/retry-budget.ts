/**
 * What all calls to one endpoint may spend on retries together: a bucket of points that retries empty and successes fill.
 * While a store is down, each retry only multiplies its load; with the defaults 20 retries are all that an outage gets, so
 * that the calls sent stay within a tenth of the calls made (numbers of the AWS SDK's standard mode).
 */
export interface RetryBudget {
  /** Whether there are so many points, which are then gone. */
  spend(points: number): boolean
  /** A call succeeded. */
  earn(): void
  left(): number
}

export function createRetryBudget(capacity: number): RetryBudget {
  let left = capacity
  return {
    spend(points) {
      if (points > left) return false
      left -= points
      return true
    },
    earn() {
      if (left < capacity) left += 1
    },
    left: () => left,
  }
}
