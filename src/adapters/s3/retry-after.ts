/** More is a mistake, and clients are told it too. What is waited for is for the guard to say, which is never told more. */
export const retryAfterMaxMs = 60_000

/**
 * How long the answer asks to be left alone: seconds, or a date, which is read by the clock of whoever sent it, its own
 * `Date`. At most a minute; `undefined` where it does not ask, or not in a way that can be understood.
 */
export function retryAfterMs(headers: Readonly<Record<string, string>>): number | undefined {
  const asked = headers['retry-after']?.trim() ?? ''
  const waitMs = /^\d+(\.\d+)?$/.test(asked) ? Number(asked) * 1000 : Date.parse(asked) - Date.parse(headers.date ?? '')
  return Number.isNaN(waitMs) ? undefined : Math.min(Math.max(waitMs, 0), retryAfterMaxMs)
}
