export type LogFields = Readonly<Record<string, unknown>>

/**
 * Events with fields, never sentences: `log.warn('store-retry', { operation: 'put', attempt: 2 })`. Callers never pass
 * secrets, signed URLs, tokens or bodies. Implementations must not throw and must keep one event on one line.
 */
export interface Log {
  debug(event: string, fields?: LogFields): void
  info(event: string, fields?: LogFields): void
  warn(event: string, fields?: LogFields): void
  error(event: string, fields?: LogFields): void
}
