import { CodedError, StoreUnavailable } from '../../ports/errors.ts'
import type { ObjectKey } from '../../ports/object-key.ts'
import type { CallOptions, DeleteResult, ObjectStore } from '../../ports/object-store.ts'

/**
 * `deleteMany` with a memory: each attempt asks only for the keys that the store has not settled yet. `guard` runs the
 * attempts; what is open when it gives up gets the failure as its result.
 */
export async function deleteEach(
  store: ObjectStore,
  keys: readonly ObjectKey[],
  { signal: callers }: CallOptions,
  guard: (attempt: (signal: AbortSignal) => Promise<void>) => Promise<void>,
): Promise<readonly DeleteResult[]> {
  const results = new Map<ObjectKey, DeleteResult>()
  const settled = (key: ObjectKey) => {
    const result = results.get(key)
    return result !== undefined && !(result.error instanceof StoreUnavailable)
  }
  let failure: CodedError | undefined
  try {
    await guard(async (signal) => {
      const open = keys.filter((key) => !settled(key))
      for (const result of await store.deleteMany(open, { signal })) results.set(result.key, result)
      for (const key of open) {
        const error = results.get(key)?.error
        if (error instanceof StoreUnavailable) throw error
      }
    })
  } catch (error) {
    callers.throwIfAborted()
    if (!(error instanceof CodedError)) throw error
    failure = error
  }
  return keys.map((key) => results.get(key) ?? { key, error: failure })
}
