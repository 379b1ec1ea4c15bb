import { compareKeys } from '../../ports/object-key.ts'
import type { CallOptions, ObjectStore } from '../../ports/object-store.ts'
import { mapConcurrently } from '../map-concurrently.ts'
import { everyObject } from '../object/list-objects.ts'
import type { ManifestEntry } from './manifest.ts'
import { ExportStale } from './refusals.ts'
import type { Span } from './span.ts'
import { indexAt, offsetAt, type ZipLayout } from './zip-layout.ts'

/** Up to so many entries of one folder are asked for one by one; more are cheaper listed. */
const fewEntries = 16
/** A listing is left when it has shown so many objects for each entry that it was to find: HEADs are then cheaper. */
const listedPerEntry = 20
const requestsInFlight = 16

/** The entries of which the range holds bytes before the central directory, their local headers included. O(log n). */
export function touchedEntries({ entries, localOffsets }: ZipLayout, { from, to }: Span): readonly ManifestEntry[] {
  const last = indexAt(localOffsets, to - 1)
  return from < to && from < offsetAt(localOffsets, entries.length)
    ? entries.slice(indexAt(localOffsets, from), last + 1)
    : []
}

/**
 * Throws `ExportStale` when an object of these entries was deleted or replaced since. Costs at most one HEAD per entry, and
 * one LIST per 1,000 objects where that is less; never the bytes.
 */
export async function verifySources(
  store: ObjectStore,
  entries: readonly ManifestEntry[],
  { signal }: CallOptions,
): Promise<void> {
  const byFolder = Map.groupBy(entries, ({ key }) => key.slice(0, key.lastIndexOf('/') + 1))
  const unseen: ManifestEntry[] = []
  for (const [folder, inside] of byFolder) {
    if (inside.length <= fewEntries) unseen.push(...inside)
    else unseen.push(...(await verifyByListing(store, folder, inside, { signal })))
  }
  await mapConcurrently(unseen, requestsInFlight, async (entry) => {
    demandVersion(entry, (await store.head(entry.key, { signal }))?.etag)
  })
}

/** The entries of which the listing did not tell, because it was left before. */
async function verifyByListing(
  store: ObjectStore,
  folder: string,
  entries: readonly ManifestEntry[],
  { signal }: CallOptions,
): Promise<ManifestEntry[]> {
  const wanted = new Map<string, ManifestEntry>(entries.map((entry) => [entry.key, entry]))
  const last = entries.reduce((latest, { key }) => (compareKeys(key, latest) > 0 ? key : latest), folder as string)
  let listed = 0
  for await (const { key, etag } of everyObject(store, folder, { signal })) {
    const entry = wanted.get(key)
    if (entry !== undefined) {
      demandVersion(entry, etag)
      wanted.delete(key)
    }
    if (wanted.size === 0) return []
    // In key order: what is wanted and not seen by now is not there.
    if (compareKeys(key, last) > 0) break
    listed += 1
    if (listed > listedPerEntry * entries.length) return [...wanted.values()]
  }
  for (const entry of wanted.values()) demandVersion(entry, undefined)
  return []
}

/** Throws `ExportStale` unless `present` is the version of the entry. */
export function demandVersion({ name, etag }: ManifestEntry, present: string | undefined): void {
  if (present !== etag)
    throw new ExportStale(`${name} was changed or deleted after the export was made; make a new one`)
}
