import { StoreUnavailable } from '../../ports/errors.ts'
import type { DeleteOutcome, PutOutcome } from '../../ports/object-store.ts'

type Outcome = PutOutcome | DeleteOutcome

/** Inside the guard a write whose answer was lost is a failure like any other, to be counted and perhaps tried again … */
export async function unknownAsLost<Written extends Outcome>(write: Promise<Written>): Promise<Written> {
  const written = await write
  if (written.outcome === 'unknown') throw written.cause
  return written
}

/** … and outside again an outcome, unless no attempt can have had an effect. */
export async function lostAsUnknown<Written extends Outcome>(
  write: Promise<Written>,
): Promise<Written | { outcome: 'unknown'; cause: StoreUnavailable }> {
  try {
    return await write
  } catch (error) {
    if (error instanceof StoreUnavailable && error.effect === 'maybe-sent') return { outcome: 'unknown', cause: error }
    throw error
  }
}
