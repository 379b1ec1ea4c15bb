import type { AppContext } from './context.ts'
import { HttpError } from './http-error.ts'

/** The `Idempotency-Key` of a POST, if it has one. Throws 400 for one that is not 1 to 128 visible ASCII characters. */
export function idempotencyKey(c: AppContext): string | undefined {
  const key = c.req.header('idempotency-key')
  if (key !== undefined && !/^[\x21-\x7e]{1,128}$/.test(key)) {
    throw new HttpError('invalid-request', 'an Idempotency-Key is 1 to 128 visible ASCII characters')
  }
  return key
}
