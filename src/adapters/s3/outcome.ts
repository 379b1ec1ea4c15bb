import { PreconditionFailed, StoreMisbehaved, StoreUnavailable } from '../../ports/errors.ts'
import { Absent, WriteConflict } from './errors.ts'

/** 412; 409 for the losers of a race, which are to read again; 404 to If-Match where there is nothing. */
const rejections = [PreconditionFailed, WriteConflict, Absent]

type Guarded<Applied> = Applied | { outcome: 'rejected' } | { outcome: 'unknown'; cause: StoreUnavailable }

/**
 * What came of a write. A lost answer is `unknown`, also when the write had no condition: the caller may have reasons of
 * his own to look. What cannot have happened is thrown.
 */
export async function guardedWrite<Applied extends { outcome: 'applied' }>(
  conditional: boolean,
  write: () => Promise<Applied>,
): Promise<Guarded<Applied>> {
  try {
    return await write()
  } catch (error) {
    if (conditional && rejections.some((rejection) => error instanceof rejection)) return { outcome: 'rejected' }
    if (error instanceof PreconditionFailed) {
      throw new StoreUnavailable('another write to the key was going on', {
        cause: error,
        effect: 'never-sent',
        blame: 'request',
      })
    }
    if (error instanceof Absent) throw new StoreMisbehaved('the store misses what nobody asked for', { cause: error })
    if (error instanceof StoreUnavailable && error.effect === 'maybe-sent') return { outcome: 'unknown', cause: error }
    if (error instanceof StoreMisbehaved) {
      // It answered with a success, only not with one that can be read.
      return { outcome: 'unknown', cause: new StoreUnavailable(error.message, { cause: error }) }
    }
    throw error
  }
}
