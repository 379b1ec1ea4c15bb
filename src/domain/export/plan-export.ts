import type { ObjectKey } from '../../ports/object-key.ts'
import type { Checksums, ListedObject } from '../../ports/object-store.ts'
import { entryNames, type ProposedPlace } from './entry-names.ts'
import { awaitedBytesMax, type EntryCrc32, type ExportManifest, writerVersion } from './manifest.ts'
import { ExportEmpty, ExportTooLarge } from './refusals.ts'
import type { Selected } from './selection.ts'
import { layoutZip, type ZipLayout } from './zip-layout.ts'

/** One object of the selection, and where it should lie in the archive. */
export interface SelectedObject extends ListedObject, ProposedPlace {
  /** Of this very version; without them the archive needs a data descriptor for a large one, which some readers refuse. */
  readonly checksums: (Pick<Checksums, 'crc32'> & Partial<Checksums>) | undefined
}

export interface ExportLimits {
  readonly maxEntries: number
  /** Of the whole archive. */
  readonly maxBytes: number
}

export interface ExportPlan {
  readonly manifest: ExportManifest
  readonly layout: ZipLayout
}

/**
 * Freezes a selection, in its order. An object that was selected twice comes once, at its first place. Throws
 * `ExportEmpty` or `ExportTooLarge`. Pure, about 5 µs an entry.
 */
export function planExport(
  selected: readonly SelectedObject[],
  limits: ExportLimits,
  about: {
    id: string
    name: string
    createdAt: Date
    expiresAt: Date
    missing: readonly ObjectKey[]
    empty: readonly Selected[]
    leftOut: number
  },
): ExportPlan {
  const seen = new Set<ObjectKey>()
  const objects = selected.filter(({ key }) => seen.size < seen.add(key).size)
  if (objects.length === 0) throw new ExportEmpty('nothing to export was found')
  if (objects.length > limits.maxEntries) {
    throw new ExportTooLarge(`${objects.length} files, and an export has at most ${limits.maxEntries}`)
  }
  const dataBytes = objects.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  if (dataBytes > limits.maxBytes) throw tooLong(dataBytes, limits)
  const names = entryNames(objects)
  const manifest: ExportManifest = {
    id: about.id,
    name: about.name,
    createdAt: about.createdAt.toISOString(),
    expiresAt: about.expiresAt.toISOString(),
    writerVersion,
    entries: objects.map(({ key, sizeBytes, etag, lastModified, checksums }, index) => ({
      name: names[index] ?? '',
      key,
      sizeBytes,
      etag,
      crc32: crc32Of(sizeBytes, checksums),
      ...(checksums?.sha256 === undefined ? {} : { sha256: checksums.sha256 }),
      modifiedAt: lastModified.toISOString(),
    })),
    missing: about.missing,
    empty: about.empty,
    leftOut: about.leftOut,
  }
  const layout = layoutZip(manifest)
  if (layout.lengthBytes > limits.maxBytes) throw tooLong(layout.lengthBytes, limits)
  return { manifest, layout }
}

function crc32Of(sizeBytes: number, checksums: SelectedObject['checksums']): EntryCrc32 {
  if (sizeBytes === 0) return 0
  if (checksums !== undefined) return Number.parseInt(checksums.crc32, 16)
  return sizeBytes <= awaitedBytesMax ? 'awaited' : null
}

function tooLong(bytes: number, { maxBytes }: ExportLimits): ExportTooLarge {
  return new ExportTooLarge(`${bytes} bytes, and an export has at most ${maxBytes}`)
}
