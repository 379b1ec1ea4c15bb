import type { ObjectKey } from '../../ports/object-key.ts'
import type { ETag } from '../../ports/object-store.ts'
import { crcBytes, knownCrc32 } from './missing-checksums.ts'
import { intersection, type Span } from './span.ts'
import { endRecords } from './zip-end-records.ts'
import { centralDirectory, dataOffset, entryAt, indexAt, offsetAt, type ZipLayout } from './zip-layout.ts'
import {
  centralHeader,
  crcOffsetInCentralHeader,
  crcOffsetInDataDescriptor,
  crcOffsetInLocalHeader,
  dataDescriptor,
  localHeader,
  type ZipEntry,
} from './zip-records.ts'

/** Bytes that the manifest alone determines. */
export interface BytesSegment {
  readonly kind: 'bytes'
  readonly bytes: Uint8Array
}

/** A part of an object, never empty. */
export interface ObjectSegment {
  readonly kind: 'object'
  readonly entryIndex: number
  readonly key: ObjectKey
  readonly etag: ETag
  readonly offset: number
  readonly lengthBytes: number
}

/** A part of a record whose CRC-32 the manifest does not know; `recordBytes` makes it when it is known. */
export interface RecordSegment {
  readonly kind: 'local' | 'descriptor' | 'central'
  readonly entryIndex: number
  readonly offset: number
  readonly lengthBytes: number
}

export type Segment = BytesSegment | ObjectSegment | RecordSegment

const encoder = new TextEncoder()

/**
 * What the bytes `[from, toExclusive)` of the archive are made of, in order, each piece made when it is asked for. The
 * first costs O(log n). Throws `RangeError` for a range that does not lie in the archive.
 */
export function segments(layout: ZipLayout, from: number, toExclusive: number): Generator<Segment, void, undefined> {
  if (!(from >= 0 && from <= toExclusive && toExclusive <= layout.lengthBytes)) {
    throw new RangeError(`no bytes ${from} to ${toExclusive} in an archive of ${layout.lengthBytes}`)
  }
  return segmentsWithin(layout, { from, to: toExclusive })
}

/** The bytes of `segment`, given the checksum that the manifest lacks. */
export function recordBytes(layout: ZipLayout, segment: RecordSegment, crc32: number): Uint8Array {
  const { entryIndex, offset, lengthBytes } = segment
  const entry = zipEntry(layout, entryIndex)
  const { make } = records[segment.kind]
  return make(entry, crc32, offsetAt(layout.localOffsets, entryIndex)).subarray(offset, offset + lengthBytes)
}

interface RecordKind {
  /** Where in it the CRC-32 stands. */
  readonly crcOffset: number
  readonly make: (entry: ZipEntry, crc32: number, localOffset: number) => Uint8Array
}

const records: Readonly<Record<RecordSegment['kind'], RecordKind>> = {
  local: { crcOffset: crcOffsetInLocalHeader, make: localHeader },
  descriptor: { crcOffset: crcOffsetInDataDescriptor, make: dataDescriptor },
  central: {
    crcOffset: crcOffsetInCentralHeader,
    make: (entry, crc32, localOffset) => centralHeader(entry, localOffset, crc32),
  },
}

function* segmentsWithin(layout: ZipLayout, range: Span): Generator<Segment, void, undefined> {
  const count = layout.entries.length
  for (let i = indexAt(layout.localOffsets, range.from); i < count; i++) {
    if (offsetAt(layout.localOffsets, i) >= range.to) return
    yield* entrySegments(layout, i, range)
  }
  for (let i = indexAt(layout.centralOffsets, range.from); i < count; i++) {
    if (offsetAt(layout.centralOffsets, i) >= range.to) return
    yield* centralSegments(layout, i, range)
  }
  const directory = centralDirectory(layout)
  const end = directory.offset + directory.lengthBytes
  if (range.to > end) yield* bytesWithin(range, end, endRecords(directory))
}

function* entrySegments(layout: ZipLayout, index: number, range: Span): Generator<Segment, void, undefined> {
  const entry = entryAt(layout, index)
  const start = offsetAt(layout.localOffsets, index)
  const dataStart = dataOffset(layout, index)
  const dataEnd = dataStart + entry.sizeBytes
  yield* recordSegments(layout, index, range, 'local', { from: start, to: dataStart })
  const data = intersection(range, { from: dataStart, to: dataEnd })
  if (data !== undefined) {
    const { key, etag } = entry
    const lengthBytes = data.to - data.from
    yield { kind: 'object', entryIndex: index, key, etag, offset: data.from - dataStart, lengthBytes }
  }
  const end = offsetAt(layout.localOffsets, index + 1)
  yield* recordSegments(layout, index, range, 'descriptor', { from: dataEnd, to: end })
}

function centralSegments(layout: ZipLayout, index: number, range: Span): Iterable<Segment> {
  const from = offsetAt(layout.centralOffsets, index)
  const to = offsetAt(layout.centralOffsets, index + 1)
  return recordSegments(layout, index, range, 'central', { from, to })
}

function* recordSegments(
  layout: ZipLayout,
  index: number,
  range: Span,
  kind: RecordSegment['kind'],
  record: Span,
): Generator<Segment, void, undefined> {
  const wanted = intersection(range, record)
  if (wanted === undefined) return
  const lengthBytes = wanted.to - wanted.from
  const segment: RecordSegment = { kind, entryIndex: index, offset: wanted.from - record.from, lengthBytes }
  const entry = entryAt(layout, index)
  // In front of a data descriptor a local header says nothing.
  const known = kind === 'local' && entry.crc32 === null ? 0 : knownCrc32(entry)
  const crcAt = record.from + records[kind].crcOffset
  const needsCrc = intersection(wanted, { from: crcAt, to: crcAt + crcBytes }) !== undefined
  if (known === null && needsCrc) yield segment
  else yield { kind: 'bytes', bytes: recordBytes(layout, segment, known ?? 0) }
}

function* bytesWithin(range: Span, start: number, record: Uint8Array): Generator<Segment, void, undefined> {
  const wanted = intersection(range, { from: start, to: start + record.byteLength })
  if (wanted !== undefined) yield { kind: 'bytes', bytes: record.subarray(wanted.from - start, wanted.to - start) }
}

function zipEntry(layout: ZipLayout, index: number): ZipEntry {
  const { name, sizeBytes, crc32, modifiedAt } = entryAt(layout, index)
  return { name: encoder.encode(name), sizeBytes, crc32, modifiedMs: Date.parse(modifiedAt) }
}
