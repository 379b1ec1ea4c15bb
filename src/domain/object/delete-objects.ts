import type { ObjectKey } from '../../ports/object-key.ts'
import type { CallOptions, DeleteResult, ObjectStore } from '../../ports/object-store.ts'
import { everyObject } from './list-objects.ts'

/** Deletes everything below `prefix`, 1,000 keys at a time, and says what became of each. */
export async function deletePrefix(
  store: ObjectStore,
  prefix: string,
  { signal }: CallOptions,
): Promise<DeleteResult[]> {
  // Listed whole before the first deletion: a cursor need not survive changes of what it walks over.
  const keys = []
  for await (const { key } of everyObject(store, prefix, { signal })) keys.push(key)
  return deleteKeys(store, keys, { signal })
}

/** Any number of keys, 1,000 at a time. */
export async function deleteKeys(
  store: ObjectStore,
  keys: readonly ObjectKey[],
  { signal }: CallOptions,
): Promise<DeleteResult[]> {
  const results: DeleteResult[] = []
  for (let start = 0; start < keys.length; start += 1000) {
    results.push(...(await store.deleteMany(keys.slice(start, start + 1000), { signal })))
  }
  return results
}
