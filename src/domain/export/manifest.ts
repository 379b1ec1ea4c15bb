import type { ObjectKey } from '../../ports/object-key.ts'
import type { ETag } from '../../ports/object-store.ts'

/** Grows with every change of the bytes that the same entries become. An archive is only ever written by its own version. */
export const writerVersion = 1

/** One file of the archive. With its neighbours and the writer version it determines every byte but the object's own. */
export interface ManifestEntry {
  /** See `isSafeEntryName`; 1 to 65,535 bytes of UTF-8. */
  readonly name: string
  readonly key: ObjectKey
  readonly sizeBytes: number
  /** The version of the object that was selected. No other is ever delivered. */
  readonly etag: ETag
  /** Unsigned; `null`: not known when the manifest was frozen, so a data descriptor follows the bytes, for ever. */
  readonly crc32: number | null
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
}
