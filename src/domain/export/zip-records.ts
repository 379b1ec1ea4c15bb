import type { EntryCrc32 } from './manifest.ts'
import { dosTime, unixSeconds } from './zip-time.ts'

/** What the records of one file say. Files are stored, not compressed: their length in the archive is their size. */
export interface ZipEntry {
  /** UTF-8; of a folder it ends in `/`. */
  readonly name: Uint8Array
  readonly sizeBytes: number
  readonly crc32: EntryCrc32
  readonly modifiedMs: number
}

/** What decides how long the records are. */
export interface EntryShape extends Pick<ZipEntry, 'sizeBytes' | 'crc32' | 'modifiedMs'> {
  readonly nameBytes: number
}

const max32 = 0xffff_ffff
const slash = 0x2f

export const localHeaderBytes = (entry: EntryShape): number =>
  30 + entry.nameBytes + (isBig(entry) ? 20 : 0) + timeExtraBytes(entry)

export const dataDescriptorBytes = (entry: Pick<ZipEntry, 'sizeBytes' | 'crc32'>): number =>
  entry.crc32 !== null ? 0 : isBig(entry) ? 24 : 16

export const centralHeaderBytes = (entry: EntryShape, localOffset: number): number =>
  46 + entry.nameBytes + (isBig(entry) || localOffset >= max32 ? 28 : 0) + timeExtraBytes(entry)

/** Where the four bytes of the CRC-32 stand in each. */
export const crcOffsetInLocalHeader = 14
export const crcOffsetInDataDescriptor = 4
export const crcOffsetInCentralHeader = 16

/**
 * APPNOTE 4.3.7. `crc32` is for an entry that awaits it. In front of a data descriptor the sizes are written all the same:
 * stored bytes have no mark at their end, so a reader from a pipe could not go on without them. From 4 GiB - 1 the true
 * sizes stand, both, in the extra field 0x0001.
 */
export function localHeader(entry: ZipEntry, crc32 = typeof entry.crc32 === 'number' ? entry.crc32 : 0): Uint8Array {
  const big = isBig(entry)
  const { record, view } = blank(localHeaderBytes({ ...entry, nameBytes: entry.name.byteLength }))
  view.setUint32(0, 0x0403_4b50, true)
  view.setUint16(4, big ? 45 : 20, true)
  view.setUint16(6, flags(entry), true)
  writeTime(view, 10, entry.modifiedMs)
  view.setUint32(crcOffsetInLocalHeader, crc32, true)
  view.setUint32(18, big ? max32 : entry.sizeBytes, true)
  view.setUint32(22, big ? max32 : entry.sizeBytes, true)
  view.setUint16(26, entry.name.byteLength, true)
  view.setUint16(28, record.byteLength - 30 - entry.name.byteLength, true)
  record.set(entry.name, 30)
  let at = 30 + entry.name.byteLength
  // First, because old readers look at the first extra field only.
  if (big) at = writeZip64Extra(view, at, [entry.sizeBytes, entry.sizeBytes])
  writeTimeExtra(view, at, entry.modifiedMs)
  return record
}

/** APPNOTE 4.3.9, with signature. The sizes have 8 bytes just when the local header has the extra field 0x0001. */
export function dataDescriptor({ sizeBytes }: Pick<ZipEntry, 'sizeBytes'>, crc32: number): Uint8Array {
  const { record, view } = blank(dataDescriptorBytes({ sizeBytes, crc32: null }))
  view.setUint32(0, 0x0807_4b50, true)
  view.setUint32(crcOffsetInDataDescriptor, crc32, true)
  if (isBig({ sizeBytes })) {
    view.setBigUint64(8, BigInt(sizeBytes), true)
    view.setBigUint64(16, BigInt(sizeBytes), true)
  } else {
    view.setUint32(8, sizeBytes, true)
    view.setUint32(12, sizeBytes, true)
  }
  return record
}

/**
 * APPNOTE 4.3.12. The extra field 0x0001 holds all three of size, size and offset or is not there: Info-ZIP 6.0 misreads
 * a partial one beside a size of exactly 4 GiB - 1, and 7-Zip complains of an offset given twice.
 */
export function centralHeader(entry: ZipEntry, localOffset: number, crc32: number): Uint8Array {
  const zip64 = isBig(entry) || localOffset >= max32
  const isFolder = entry.name.at(-1) === slash
  const { record, view } = blank(centralHeaderBytes({ ...entry, nameBytes: entry.name.byteLength }, localOffset))
  view.setUint32(0, 0x0201_4b50, true)
  // Made on Unix, so that readers take the upper half of the attributes for permissions.
  view.setUint16(4, (3 << 8) | 45, true)
  view.setUint16(6, zip64 ? 45 : 20, true)
  view.setUint16(8, flags(entry), true)
  writeTime(view, 12, entry.modifiedMs)
  view.setUint32(crcOffsetInCentralHeader, crc32, true)
  view.setUint32(20, zip64 ? max32 : entry.sizeBytes, true)
  view.setUint32(24, zip64 ? max32 : entry.sizeBytes, true)
  view.setUint16(28, entry.name.byteLength, true)
  view.setUint16(30, record.byteLength - 46 - entry.name.byteLength, true)
  view.setUint32(38, isFolder ? ((0o40755 << 16) | 0x10) >>> 0 : (0o100644 << 16) >>> 0, true)
  view.setUint32(42, zip64 ? max32 : localOffset, true)
  record.set(entry.name, 46)
  let at = 46 + entry.name.byteLength
  if (zip64) at = writeZip64Extra(view, at, [entry.sizeBytes, entry.sizeBytes, localOffset])
  writeTimeExtra(view, at, entry.modifiedMs)
  return record
}

function isBig({ sizeBytes }: Pick<ZipEntry, 'sizeBytes'>): boolean {
  return sizeBytes >= max32
}

/** Bit 11: the name is UTF-8. Bit 3: a data descriptor follows. */
function flags({ crc32 }: ZipEntry): number {
  return crc32 === null ? 0x0808 : 0x0800
}

function blank(bytes: number): { record: Uint8Array; view: DataView } {
  const record = new Uint8Array(bytes)
  return { record, view: new DataView(record.buffer) }
}

function writeTime(view: DataView, at: number, modifiedMs: number): void {
  const { date, time } = dosTime(modifiedMs)
  view.setUint16(at, time, true)
  view.setUint16(at + 2, date, true)
}

function writeZip64Extra(view: DataView, at: number, values: readonly number[]): number {
  view.setUint16(at, 0x0001, true)
  view.setUint16(at + 2, 8 * values.length, true)
  for (const [index, value] of values.entries()) view.setBigUint64(at + 4 + 8 * index, BigInt(value), true)
  return at + 4 + 8 * values.length
}

function timeExtraBytes({ modifiedMs }: Pick<ZipEntry, 'modifiedMs'>): number {
  return unixSeconds(modifiedMs) === undefined ? 0 : 9
}

/** Info-ZIP's 0x5455 with the time of modification only, which makes local and central form the same. */
function writeTimeExtra(view: DataView, at: number, modifiedMs: number): void {
  const seconds = unixSeconds(modifiedMs)
  if (seconds === undefined) return
  view.setUint16(at, 0x5455, true)
  view.setUint16(at + 2, 5, true)
  view.setUint8(at + 4, 1)
  view.setInt32(at + 5, seconds, true)
}
