import type { Clock } from '../../ports/clock.ts'
import type { Digests } from '../../ports/digests.ts'
import { PreconditionFailed } from '../../ports/errors.ts'
import type { Ids } from '../../ports/ids.ts'
import type { Log } from '../../ports/log.ts'
import type { CallOptions, ListedObject, ObjectMeta, ObjectStore } from '../../ports/object-store.ts'
import { mapConcurrently } from '../map-concurrently.ts'
import type { ObjectRecords } from '../object/object-record.ts'
import { sweepPrefix } from '../object/sweep-prefix.ts'
import { type ExportStore, exportPrefix, maxExportSeconds } from './export-store.ts'
import { createFindChecksums, defaultReadingBudget, type FindChecksums, type ReadingBudget } from './find-checksums.ts'
import type { FrozenExport } from './frozen-export.ts'
import { awaitedBytesMax } from './manifest.ts'
import { planExport, type SelectedObject } from './plan-export.ts'
import { ExportStale, ExportTooLarge } from './refusals.ts'
import { type Selected, type SelectedKey, selectKeys } from './selection.ts'

export interface CreateExportDeps {
  readonly store: ObjectStore
  readonly exports: ExportStore
  readonly records: ObjectRecords
  readonly digests: Digests
  readonly clock: Clock
  readonly ids: Ids
  readonly log: Log
  readonly limits: { readonly maxEntries: number; readonly maxBytes: number }
  /** What may be read for checksums before the answer. Default: `defaultReadingBudget`. */
  readonly readingBudget?: ReadingBudget
}

const headsInFlight = 32

/**
 * Freezes a selection under a new id. Costs one LIST per 1,000 objects, one HEAD for each that is larger than
 * `awaitedBytesMax` or was named, and the PUT of the manifest. Large objects whose CRC-32 nobody knows are read once, so that
 * the archive can be read from a pipe, as far as the budget goes; of the others it is learned when the archive is read. With
 * an idempotency key a repetition answers with the export made before. Throws `ExportEmpty` or `ExportTooLarge`.
 */
export async function createExport(
  deps: CreateExportDeps,
  wanted: { include: readonly Selected[]; name: string; expiresInSeconds: number },
  { signal, idempotencyKey }: CallOptions & { idempotencyKey: string | undefined },
): Promise<FrozenExport> {
  const { store, exports, digests, clock, ids, limits, log } = deps
  const id =
    idempotencyKey === undefined
      ? ids.next()
      : digests.sha256(new TextEncoder().encode(`export:${idempotencyKey}`)).slice(0, 32)
  if (idempotencyKey !== undefined) {
    const before = await exports.find(id, { signal })
    if (before !== undefined) return before
  }
  const { objects, missing, empty, leftOut } = await lookAtAll(deps, wanted.include, { signal })
  const nowMs = clock.nowMs()
  const plan = planExport(objects, limits, {
    id,
    name: wanted.name,
    createdAt: new Date(nowMs),
    expiresAt: new Date((Math.floor(nowMs / 1000) + wanted.expiresInSeconds) * 1000),
    missing,
    empty,
    leftOut,
  })
  const frozen = await exports.keep(plan, { signal })
  await sweepPrefix({ store, log }, exportPrefix, { maxAgeMs: maxExportSeconds * 1000, nowMs, signal })
  return frozen
}

/** Apart from the planning, so that of 70,000 objects nothing is held in it but what is planned with. */
async function lookAtAll(deps: CreateExportDeps, include: readonly Selected[], { signal }: CallOptions) {
  const { store, limits } = deps
  const { keys, empty, leftOut } = await selectKeys(store, include, { maxEntries: limits.maxEntries, signal })
  if (leftOut > 0) deps.log.warn('export-left-out', { count: leftOut })
  const looked = await mapConcurrently(keys, headsInFlight, async ({ key, listed }) =>
    listed !== undefined && isAwaited(listed) ? listed : await store.head(key, { signal }),
  )
  demandWithin(limits.maxBytes, looked)
  const find = createFindChecksums(deps, deps.readingBudget ?? defaultReadingBudget, { signal })
  const objects = await mapConcurrently(keys, headsInFlight, async (place, index) => {
    const found = looked[index]
    looked[index] = undefined
    if (found === undefined) return undefined
    if (!isMeta(found)) return selected(place, found, undefined)
    return isAwaited(found)
      ? selected(place, found, found.checksums)
      : await withChecksums(deps, find, place, found, signal)
  })
  return {
    objects: objects.filter((object) => object !== undefined),
    missing: keys
      .filter(({ listed }, index) => listed === undefined && objects[index] === undefined)
      .map(({ key }) => key),
    empty,
    leftOut,
  }
}

/** Its checksum comes with its bytes: nobody has to ask for it before. */
const isAwaited = ({ sizeBytes }: ListedObject) => sizeBytes <= awaitedBytesMax

const isMeta = (found: ListedObject | ObjectMeta): found is ObjectMeta => 'checksums' in found

function selected(
  { folder, file }: SelectedKey,
  { key, sizeBytes, etag, lastModified }: ListedObject,
  checksums: SelectedObject['checksums'],
): SelectedObject {
  return { folder, file, key, sizeBytes, etag, lastModified, checksums }
}

/** An object that is replaced just now is looked at again; one that is replaced again and again ends the export. */
const looks = 3

async function withChecksums(
  { store }: CreateExportDeps,
  find: FindChecksums,
  place: SelectedKey,
  head: ObjectMeta,
  signal: AbortSignal,
): Promise<SelectedObject | undefined> {
  let meta: ObjectMeta | undefined = head
  for (let look = 1; meta !== undefined; look++) {
    try {
      return selected(place, meta, await find(meta))
    } catch (error) {
      if (!(error instanceof PreconditionFailed)) throw error
      if (look === looks) throw new ExportStale(`${place.file} changes while it is being exported`)
      meta = await store.head(place.key, { signal })
    }
  }
  return undefined
}

/** Before a byte is read for a checksum: what is too large is refused by its size alone. */
function demandWithin(maxBytes: number, found: readonly (ListedObject | undefined)[]): void {
  const sizes = new Map(found.flatMap((one) => (one === undefined ? [] : [[one.key, one.sizeBytes] as const])))
  const bytes = sizes.values().reduce((sum, size) => sum + size, 0)
  if (bytes > maxBytes) throw new ExportTooLarge(`${bytes} bytes, and an export has at most ${maxBytes}`)
}
