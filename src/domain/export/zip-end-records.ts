/** Where the central directory lies and how many files it names. */
export interface CentralDirectory {
  readonly entries: number
  readonly offset: number
  readonly lengthBytes: number
}

const max16 = 0xffff
const max32 = 0xffff_ffff
const zip64EndBytes = 56
const zip64LocatorBytes = 20
const endRecordBytes = 22

export function endRecordsBytes(directory: CentralDirectory): number {
  return (needsZip64(directory) ? zip64EndBytes + zip64LocatorBytes : 0) + endRecordBytes
}

/** All that follows the central directory. ZIP64 records only where a field needs them: older tools do without. */
export function endRecords(directory: CentralDirectory): Uint8Array {
  if (!needsZip64(directory)) return endRecord(directory)
  const records = new Uint8Array(endRecordsBytes(directory))
  records.set(zip64EndRecord(directory), 0)
  records.set(zip64Locator(directory), zip64EndBytes)
  records.set(endRecord(directory), zip64EndBytes + zip64LocatorBytes)
  return records
}

/** APPNOTE 4.3.14. Its own length counts from behind the length field. */
export function zip64EndRecord({ entries, offset, lengthBytes }: CentralDirectory): Uint8Array {
  const view = new DataView(new ArrayBuffer(zip64EndBytes))
  view.setUint32(0, 0x0606_4b50, true)
  view.setBigUint64(4, BigInt(zip64EndBytes - 12), true)
  view.setUint16(12, (3 << 8) | 45, true)
  view.setUint16(14, 45, true)
  view.setBigUint64(24, BigInt(entries), true)
  view.setBigUint64(32, BigInt(entries), true)
  view.setBigUint64(40, BigInt(lengthBytes), true)
  view.setBigUint64(48, BigInt(offset), true)
  return new Uint8Array(view.buffer)
}

/** APPNOTE 4.3.15: one disk, and the record above lies right behind the central directory. */
export function zip64Locator({ offset, lengthBytes }: CentralDirectory): Uint8Array {
  const view = new DataView(new ArrayBuffer(zip64LocatorBytes))
  view.setUint32(0, 0x0706_4b50, true)
  view.setBigUint64(8, BigInt(offset + lengthBytes), true)
  view.setUint32(16, 1, true)
  return new Uint8Array(view.buffer)
}

/** APPNOTE 4.3.16. A value that does not fit is all ones and stands in the ZIP64 record. */
export function endRecord({ entries, offset, lengthBytes }: CentralDirectory): Uint8Array {
  const view = new DataView(new ArrayBuffer(endRecordBytes))
  view.setUint32(0, 0x0605_4b50, true)
  view.setUint16(8, Math.min(entries, max16), true)
  view.setUint16(10, Math.min(entries, max16), true)
  view.setUint32(12, Math.min(lengthBytes, max32), true)
  view.setUint32(16, Math.min(offset, max32), true)
  return new Uint8Array(view.buffer)
}

function needsZip64({ entries, offset, lengthBytes }: CentralDirectory): boolean {
  return entries >= max16 || lengthBytes >= max32 || offset >= max32
}
