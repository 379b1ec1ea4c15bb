import { InvalidParts, StoreDenied, StoreMisbehaved, StoreUnavailable, UploadNotFound } from '../../ports/errors.ts'

/** R2 puts its error number in brackets at the end of the message: `put: … (10037)`. */
function r2ErrorNumber(error: unknown): number | undefined {
  const number = error instanceof Error ? /\((\d{5})\)\s*$/.exec(error.message)?.[1] : undefined
  return number === undefined ? undefined : Number(number)
}

/** The one translation of what the binding throws. The caller's abort is itself; what is unknown may have been done. */
export function r2Error(error: unknown, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason
  switch (r2ErrorNumber(error)) {
    case 10_002:
    case 10_003:
    case 10_006:
      return new StoreDenied('R2 refused this Worker', { cause: error })
    case 10_011:
    case 10_025:
    case 10_048:
      return new InvalidParts('the parts do not make an object', { cause: error })
    case 10_024:
      return new UploadNotFound('no such upload', { cause: error })
    case 10_058:
      // One write a second for each key; what comes faster is refused before anything is done.
      return new StoreUnavailable('R2 asks for fewer writes', {
        cause: error,
        effect: 'never-sent',
        retryAfterMs: 1_000,
      })
    case 10_020:
    case 10_021:
    case 10_022:
      return new StoreMisbehaved('R2 does not take this', { cause: error })
    default:
      return new StoreUnavailable('R2 did not answer', { cause: error })
  }
}

/**
 * `work`, left as soon as the signal is aborted: the binding itself knows no signals, so what was begun goes on behind and
 * its result is dropped.
 */
export async function untilAborted<Result>(signal: AbortSignal, work: () => Promise<Result>): Promise<Result> {
  signal.throwIfAborted()
  let leave = () => {}
  const aborted = new Promise<never>((_, reject) => {
    leave = () => reject(signal.reason)
    signal.addEventListener('abort', leave, { once: true })
  })
  try {
    return await Promise.race([work(), aborted])
  } catch (error) {
    throw r2Error(error, signal)
  } finally {
    signal.removeEventListener('abort', leave)
  }
}
