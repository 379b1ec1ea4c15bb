import type { ManifestEntry } from './manifest.ts'
import { utf8Bytes } from './name-segment.ts'
import { endRecordsBytes } from './zip-end-records.ts'
import { centralHeaderBytes, dataDescriptorBytes, type EntryShape, localHeaderBytes } from './zip-records.ts'

/** Where everything lies in an archive, without one byte of it. Holds 16 bytes an entry beside the entries themselves. */
export interface ZipLayout {
  readonly entries: readonly ManifestEntry[]
  /** Where the local header of each entry begins, and at last where the central directory does. */
  readonly localOffsets: Float64Array
  /** Where the central header of each entry begins, and at last where the end records do. */
  readonly centralOffsets: Float64Array
  /** Of the whole archive, exactly. */
  readonly lengthBytes: number
}

const maxNameBytes = 0xffff

/**
 * Pure arithmetic, about 1 µs an entry. Throws `RangeError` for a name that is empty or longer than 65,535 bytes, for a
 * time that is none, and where an offset would pass 2^53 - 1.
 */
export function layoutZip({ entries }: { readonly entries: readonly ManifestEntry[] }): ZipLayout {
  const shapes = entries.map(entryShape)
  const localOffsets = new Float64Array(entries.length + 1)
  let offset = 0
  for (const [index, shape] of shapes.entries()) {
    localOffsets[index] = offset
    offset += localHeaderBytes(shape) + shape.sizeBytes + dataDescriptorBytes(shape)
  }
  localOffsets[entries.length] = offset
  const centralOffsets = new Float64Array(entries.length + 1)
  for (const [index, shape] of shapes.entries()) {
    centralOffsets[index] = offset
    offset += centralHeaderBytes(shape, offsetAt(localOffsets, index))
  }
  centralOffsets[entries.length] = offset
  const lengthBytes = offset + endRecordsBytes(centralDirectory({ entries, localOffsets, centralOffsets }))
  if (!Number.isSafeInteger(lengthBytes)) throw new RangeError('the archive is too long for exact offsets')
  return { entries, localOffsets, centralOffsets, lengthBytes }
}

export function centralDirectory(layout: Pick<ZipLayout, 'entries' | 'localOffsets' | 'centralOffsets'>) {
  const offset = offsetAt(layout.localOffsets, layout.entries.length)
  const end = offsetAt(layout.centralOffsets, layout.entries.length)
  return { entries: layout.entries.length, offset, lengthBytes: end - offset }
}

export function entryShape({ name, sizeBytes, crc32, modifiedAt }: ManifestEntry): EntryShape {
  const nameBytes = utf8Bytes(name)
  const modifiedMs = Date.parse(modifiedAt)
  if (nameBytes === 0 || nameBytes > maxNameBytes) throw new RangeError(`a name has ${nameBytes} bytes`)
  if (Number.isNaN(modifiedMs)) throw new RangeError('a time of modification is none')
  return { nameBytes, sizeBytes, crc32, modifiedMs }
}

/** Throws `RangeError` behind the end. */
export function entryAt(layout: ZipLayout, index: number): ManifestEntry {
  const entry = layout.entries[index]
  if (entry === undefined) throw new RangeError(`no entry ${index}`)
  return entry
}

/** Where the bytes of the entry's object begin in the archive. */
export function dataOffset(layout: ZipLayout, index: number): number {
  const entry = entryAt(layout, index)
  return offsetAt(layout.localOffsets, index + 1) - dataDescriptorBytes(entry) - entry.sizeBytes
}

/** Throws `RangeError` behind the end. */
export function offsetAt(offsets: Float64Array, index: number): number {
  const offset = offsets[index]
  if (offset === undefined) throw new RangeError(`no entry ${index}`)
  return offset
}

/** The last index whose offset is not behind `position`: what lies there, found in O(log n). 0 when there is none. */
export function indexAt(offsets: Float64Array, position: number): number {
  let low = 0
  let high = offsets.length - 1
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if (offsetAt(offsets, middle) <= position) low = middle
    else high = middle - 1
  }
  return low
}
