import type { CallOptions, ListedObject, ObjectStore } from '../../ports/object-store.ts'
import { type Swept, sweepEvery } from '../object/sweep-prefix.ts'
import { exportPrefix, maxExportSeconds } from './export-store.ts'
import { expiryIn } from './manifest-line.ts'

/** Holds the time of expiry, with which each manifest begins. */
const beginningBytes = 64

/** Deletes manifests that have expired. Costs one GET of a few bytes for each that is younger than a day. Throws as a listing. */
export async function sweepExports(
  store: ObjectStore,
  { nowMs, signal }: CallOptions & { nowMs: number },
): Promise<Swept> {
  const isExpired = async ({ key, sizeBytes, lastModified }: ListedObject): Promise<boolean> => {
    if (nowMs - lastModified.getTime() > maxExportSeconds * 1000) return true
    if (sizeBytes === 0) return false
    const found = await store.get(key, { range: { offset: 0, length: beginningBytes }, signal })
    if (found === undefined) return false
    const expiresAtMs = expiryIn(await new Response(found.body).text())
    return expiresAtMs !== undefined && expiresAtMs <= nowMs
  }
  return await sweepEvery(store, exportPrefix, isExpired, { signal })
}
