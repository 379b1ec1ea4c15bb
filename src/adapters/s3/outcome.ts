import { PreconditionFailed, StoreMisbehaved, StoreUnavailable } from '../../ports/errors.ts'
import { Absent } from './errors.ts'

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
    if (conditional && (error instanceof PreconditionFailed || error instanceof Absent)) return { outcome: 'rejected' }
    if (error instanceof PreconditionFailed) {
      throw new StoreUnavailable('another write to the key was going on', { cause: error, effect: 'never-sent' })
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
