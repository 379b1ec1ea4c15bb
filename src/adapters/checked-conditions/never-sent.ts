import { StoreUnavailable } from '../../ports/errors.ts'

/** What was sent to find out was not the write. */
export const neverSent = (error: StoreUnavailable) =>
  new StoreUnavailable(error.message, {
    cause: error,
    effect: 'never-sent',
    blame: error.blame,
    again: error.again,
    ...(error.retryAfterMs !== undefined && { retryAfterMs: error.retryAfterMs }),
  })
