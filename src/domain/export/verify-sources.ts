import type { CallOptions, ETag, ObjectStore } from '../../ports/object-store.ts'
import { mapConcurrently } from '../map-concurrently.ts'
import { everyObject } from '../object/list-objects.ts'
import type { ExportManifest, ManifestEntry } from './manifest.ts'
import { ExportStale } from './refusals.ts'

/** Up to so many entries of one folder are asked for one by one; more are cheaper listed. */
const fewEntries = 16
const requestsInFlight = 16

/**
 * Throws `ExportStale` when an object of the export was deleted or replaced since. Costs one HEAD per entry of small
 * folders and one LIST per 1,000 objects of others, never the bytes.
 */
export async function verifySources(
  store: ObjectStore,
  { entries }: ExportManifest,
  { signal }: CallOptions,
): Promise<void> {
  const byFolder = Map.groupBy(entries, ({ key }) => key.slice(0, key.lastIndexOf('/') + 1))
  await mapConcurrently([...byFolder], requestsInFlight, async ([folder, inside]) => {
    if (inside.length <= fewEntries) {
      for (const entry of inside) demandVersion(entry, (await store.head(entry.key, { signal }))?.etag)
      return
    }
    const present = new Map<string, ETag>()
    for await (const { key, etag } of everyObject(store, folder, { signal })) present.set(key, etag)
    for (const entry of inside) demandVersion(entry, present.get(entry.key))
  })
}

function demandVersion({ name, etag }: ManifestEntry, present: ETag | undefined): void {
  if (present !== etag)
    throw new ExportStale(`${name} was changed or deleted after the export was made; make a new one`)
}
