import type { ManifestEntry } from './manifest.ts'
import { intersection, type Span } from './span.ts'
import { dataOffset, entryAt, offsetAt, type ZipLayout } from './zip-layout.ts'
import { crcOffsetInCentralHeader, crcOffsetInDataDescriptor, crcOffsetInLocalHeader } from './zip-records.ts'

export const crcBytes = 4

/** As the manifest knows it, or as it must be: nothing is left to learn of no bytes. */
export function knownCrc32({ crc32, sizeBytes }: Pick<ManifestEntry, 'crc32' | 'sizeBytes'>): number | null {
  return typeof crc32 === 'number' ? crc32 : sizeBytes === 0 ? 0 : null
}

/**
 * The entries, by index, whose CRC-32 the range holds while neither the manifest nor `known` has it and the range
 * does not hold all bytes of their object. Where this is empty the range can be sent. About 50 ns an entry.
 */
export function missingChecksums(
  layout: ZipLayout,
  range: Span,
  known: { has(entryIndex: number): boolean } = new Map(),
): number[] {
  const missing: number[] = []
  for (const [index, entry] of layout.entries.entries()) {
    if (knownCrc32(entry) !== null || known.has(index)) continue
    const dataFrom = dataOffset(layout, index)
    if (range.from <= dataFrom && range.to >= dataFrom + entry.sizeBytes) continue
    if (crcSpans(layout, index).some((span) => intersection(span, range) !== undefined)) missing.push(index)
  }
  return missing
}

/** Where the archive holds the entry's CRC-32. */
function crcSpans(layout: ZipLayout, index: number): readonly Span[] {
  const { crc32, sizeBytes } = entryAt(layout, index)
  const beside =
    crc32 === 'awaited'
      ? offsetAt(layout.localOffsets, index) + crcOffsetInLocalHeader
      : dataOffset(layout, index) + sizeBytes + crcOffsetInDataDescriptor
  const central = offsetAt(layout.centralOffsets, index) + crcOffsetInCentralHeader
  return [beside, central].map((from) => ({ from, to: from + crcBytes }))
}
