import { StoreUnavailable } from '../../ports/errors.ts'
import type { CallOptions } from '../../ports/object-store.ts'
import { mapConcurrently } from '../map-concurrently.ts'
import type { KnownChecksums } from '../object/object-record.ts'
import { createFindChecksums, defaultReadingBudget, type FindChecksumsDeps, hex } from './find-checksums.ts'
import type { ManifestEntry } from './manifest.ts'

/** Of some entries, in their order; `undefined`: nobody knows, or the object is no longer what it was. */
export type TellChecksums = (entries: readonly ManifestEntry[]) => Promise<readonly (KnownChecksums | undefined)[]>

const headsInFlight = 32

/** What the manifest says. Asks nobody. */
export const frozenChecksums: TellChecksums = async (entries) => entries.map(frozen)

/** Of no bytes. */
const ofNothing = { crc32: '00000000', sha256: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855' }

function frozen({ sizeBytes, crc32, sha256 }: ManifestEntry): KnownChecksums | undefined {
  if (sizeBytes === 0) return ofNothing
  return typeof crc32 === 'number' ? { crc32: hex(crc32), ...(sha256 !== undefined && { sha256 }) } : undefined
}

/**
 * The same, and of entries whose checksums nobody had to ask for when they were frozen what is to be found out now, for all
 * calls together as for one export: see `createFindChecksums`, whose cost comes to one HEAD for each of those. What cannot
 * be found out is unknown, and a store that is in trouble is not asked for the rest; throws the signal's reason alone.
 */
export function createTellChecksums(deps: FindChecksumsDeps, { signal }: CallOptions): TellChecksums {
  const { store, log } = deps
  const find = createFindChecksums(deps, defaultReadingBudget, { signal })
  let isAway = false
  let isSaid = false

  const ask = async ({ key, etag }: ManifestEntry): Promise<KnownChecksums | undefined> => {
    if (isAway) return undefined
    try {
      const meta = await store.head(key, { signal })
      return meta?.etag === etag ? await find(meta) : undefined
    } catch (error) {
      signal.throwIfAborted()
      // What one of thousands meets others will, too.
      if (!isSaid) log.warn('checksums-not-told', { error })
      isSaid = true
      isAway ||= error instanceof StoreUnavailable
      return undefined
    }
  }

  return (entries) =>
    mapConcurrently(entries, headsInFlight, async (entry) =>
      entry.crc32 === 'awaited' ? await ask(entry) : frozen(entry),
    )
}
