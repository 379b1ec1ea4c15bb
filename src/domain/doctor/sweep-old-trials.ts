import type { CallOptions, ObjectStore } from '../../ports/object-store.ts'

/** Of RunPod's, the laxest of stores, a clock may be an hour from ours; and no trial takes minutes. */
export const leftoverAgeMs = 2 * 3_600_000
const sweptMax = 1000

export const trialsPrefix = '.probe/'

/**
 * Removes what trials that ended badly have left below `.probe/`, once it is two hours old, so that those who try the same
 * store now are left alone. One page of a listing, and of its up to 1,000 objects the old ones. Returns how many were removed.
 */
export async function sweepOldTrials(
  store: ObjectStore,
  { signal, nowMs }: CallOptions & { nowMs: number },
): Promise<number> {
  const { objects } = await store.list({ signal, prefix: trialsPrefix, limit: sweptMax })
  const old = objects.filter(({ lastModified }) => nowMs - lastModified.getTime() > leftoverAgeMs).map(({ key }) => key)
  if (old.length === 0) return 0
  const results = await store.deleteMany(old, { signal })
  return results.filter(({ error }) => error === undefined).length
}
