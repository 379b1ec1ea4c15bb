import type { ObjectKey } from '../../ports/object-key.ts'
import type { ETag } from '../../ports/object-store.ts'
import type { Selected } from './selection.ts'

/** Grows with every change of the bytes that the same entries become. An archive is only ever written by its own version. */
export const writerVersion = 1

/** More than any archive is good for; what is read is bounded by it, whatever stands in the store. */
export const manifestEntriesMax = 1_000_000

/**
 * Objects up to this size need no checksum before their turn: their bytes are held whole when it comes, so that the local
 * header can wait for them. No reader's `wholeBytes` is less.
 */
export const awaitedBytesMax = 2 ** 20

/**
 * Unsigned. `awaited`: not asked for when the manifest was frozen; the local header says it all the same, see
 * `awaitedBytesMax`. `null`: not known then, so a data descriptor follows the bytes, for ever.
 */
export type EntryCrc32 = number | 'awaited' | null

/** One file of the archive. With its neighbours and the writer version it determines every byte but the object's own. */
export interface ManifestEntry {
  /** See `isSafeEntryName`; 1 to 65,535 bytes of UTF-8. */
  readonly name: string
  readonly key: ObjectKey
  readonly sizeBytes: number
  /** The version of the object that was selected. No other is ever delivered. */
  readonly etag: ETag
  readonly crc32: EntryCrc32
  /** 64 lower-case hex digits, where they were recorded. Part of no byte: for those who compare what they have fetched. */
  readonly sha256?: string
  /** RFC 3339 in UTC with milliseconds, as `Date.toISOString` writes it. */
  readonly modifiedAt: string
}

/** A frozen selection. What is delivered is a pure function of it and of the objects it names. */
export interface ExportManifest {
  readonly id: string
  readonly name: string
  readonly createdAt: string
  readonly expiresAt: string
  readonly writerVersion: number
  readonly entries: readonly ManifestEntry[]
  /** Objects that were named one by one and were not there. */
  readonly missing: readonly ObjectKey[]
  /** Datasets, processes and prefixes that were named and held nothing. */
  readonly empty: readonly Selected[]
  /** How many files lie in what was selected and are not here, because their names cannot be keys, see `ListPage.leftOut`. */
  readonly leftOut: number
}
