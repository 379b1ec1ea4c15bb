import type { Log } from '../../ports/log.ts'
import type { CallOptions, ListedObject, ObjectStore } from '../../ports/object-store.ts'
import { mapConcurrently } from '../map-concurrently.ts'
import { everyObject } from './list-objects.ts'

/** What became of bookkeeping that has expired. */
export interface Swept {
  readonly removed: number
  /** Could not be removed. */
  readonly left: number
}

const inFlight = 16
const deletedAtOnce = 1000

/**
 * Deletes bookkeeping of ours that is older than `maxAgeMs`, among the first 1,000 objects below `prefix`. For use on the
 * way: costs one LIST, never throws, and what is left is found the next time.
 */
export async function sweepPrefix(
  { store, log }: { store: ObjectStore; log: Log },
  prefix: string,
  { maxAgeMs, nowMs, signal }: CallOptions & { maxAgeMs: number; nowMs: number },
): Promise<void> {
  try {
    const { objects } = await store.list({ prefix, limit: 1000, signal })
    const old = objects.filter(({ lastModified }) => nowMs - lastModified.getTime() > maxAgeMs)
    if (old.length === 0) return
    await store.deleteMany(
      old.map(({ key }) => key),
      { signal },
    )
    log.info('swept', { prefix, count: old.length })
  } catch (error) {
    log.warn('not-swept', { prefix, error })
  }
}

/**
 * Deletes all bookkeeping of ours below `prefix` that `isExpired`. Costs one LIST and one delete of many for each 1,000
 * objects, and what `isExpired` costs. Throws when the listing, or a look at one object, fails; nothing is deleted then.
 */
export async function sweepEvery(
  store: ObjectStore,
  prefix: string,
  isExpired: (object: ListedObject) => boolean | Promise<boolean>,
  { signal }: CallOptions,
): Promise<Swept> {
  // Listed whole before the first deletion: a cursor need not survive changes of what it walks over.
  const objects: ListedObject[] = []
  for await (const object of everyObject(store, prefix, { signal })) objects.push(object)
  const expired = await mapConcurrently(objects, inFlight, async (object) => await isExpired(object))
  const keys = objects.filter((_, index) => expired[index]).map(({ key }) => key)
  let removed = 0
  for (let start = 0; start < keys.length; start += deletedAtOnce) {
    const results = await store.deleteMany(keys.slice(start, start + deletedAtOnce), { signal })
    removed += results.filter(({ error }) => error === undefined).length
  }
  return { removed, left: keys.length - removed }
}
