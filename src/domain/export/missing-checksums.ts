import type { ManifestEntry } from './manifest.ts'
import { intersection, type Span } from './span.ts'
import { dataOffset, entryAt, indexAt, offsetAt, type ZipLayout } from './zip-layout.ts'
import { crcOffsetInCentralHeader, crcOffsetInDataDescriptor, crcOffsetInLocalHeader } from './zip-records.ts'

export const crcBytes = 4

/** As the manifest knows it, or as it must be: nothing is left to learn of no bytes. */
export function knownCrc32({ crc32, sizeBytes }: Pick<ManifestEntry, 'crc32' | 'sizeBytes'>): number | null {
  return typeof crc32 === 'number' ? crc32 : sizeBytes === 0 ? 0 : null
}

/**
 * The entries, by index, whose CRC-32 the range holds while neither the manifest nor `known` has it and the range
 * does not hold all bytes of their object. Where this is empty the range can be sent. About 50 ns for each entry of which
 * the range holds anything, its record in the directory included.
 */
export function missingChecksums(
  layout: ZipLayout,
  range: Span,
  known: { has(entryIndex: number): boolean } = new Map(),
): number[] {
  const missing: number[] = []
  for (const index of entriesIn(layout, range)) {
    const entry = entryAt(layout, index)
    if (knownCrc32(entry) !== null || known.has(index)) continue
    const dataFrom = dataOffset(layout, index)
    if (range.from <= dataFrom && range.to >= dataFrom + entry.sizeBytes) continue
    if (crcSpans(layout, index).some((span) => intersection(span, range) !== undefined)) missing.push(index)
  }
  return missing
}

/** In order. A range that reaches from one part of the archive into the other holds the last entries of the first. */
function* entriesIn({ localOffsets, centralOffsets }: ZipLayout, range: Span): Generator<number> {
  const [local, central] = [placesIn(localOffsets, range), placesIn(centralOffsets, range)]
  for (let index = central.from; index < Math.min(central.to, local.from); index++) yield index
  for (let index = local.from; index < local.to; index++) yield index
  for (let index = Math.max(central.from, local.to); index < central.to; index++) yield index
}

/** Which of the places that `offsets` bound lie in the range, even in part. O(log n). */
function placesIn(offsets: Float64Array, { from, to }: Span): Span {
  const count = offsets.length - 1
  const [start, end] = [offsetAt(offsets, 0), offsetAt(offsets, count)]
  if (from >= to || to <= start || from >= end) return { from: 0, to: 0 }
  return { from: indexAt(offsets, from), to: Math.min(indexAt(offsets, to - 1) + 1, count) }
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
