import { StoreUnavailable } from '../../ports/errors.ts'
import type { ObjectKey } from '../../ports/object-key.ts'
import type { CallOptions, ObjectStore, StoreCapabilities } from '../../ports/object-store.ts'
import type { Exclusive } from './keyed-mutex.ts'
import { neverSent } from './never-sent.ts'

/**
 * One writer of a key at a time, where the store cannot decide between several: with it, two writers of one instance never
 * both win. Stands outside of whatever guards the store, so that waiting for one's turn takes no place there and is no
 * failure of the store; it ends with the caller's signal alone, and everybody ahead is bounded by the guard.
 *
 * The first write asks what the store can do, as a call of its own, with the time that this takes and not that of a write.
 * Throws `StoreUnavailable`, never sent, when that cannot be found out.
 */
export function withTurns(store: ObjectStore, exclusive: Exclusive = (_key, _signal, work) => work()): ObjectStore {
  const inTurn = async <Result>(key: ObjectKey, { signal }: CallOptions, write: () => Promise<Result>) => {
    const capabilities = await store.capabilities({ signal }).catch((error: unknown) => {
      throw error instanceof StoreUnavailable ? neverSent(error) : error
    })
    return decidesAlone(capabilities) ? write() : exclusive(key, signal, write)
  }
  return {
    ...store,
    put: (key, body, options) => inTurn(key, options, () => store.put(key, body, options)),
    delete: (key, options) => inTurn(key, options, () => store.delete(key, options)),
    completeMultipart: (upload, parts, options) =>
      inTurn(upload.key, options, () => store.completeMultipart(upload, parts, options)),
  }
}

const decidesAlone = ({ conditionalPut, conditionalComplete, conditionalDelete }: StoreCapabilities): boolean =>
  [conditionalPut, conditionalComplete, conditionalDelete].every((condition) => condition === 'atomic')
