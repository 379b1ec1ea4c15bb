import { crc32 } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { endRecord, endRecords, zip64EndRecord, zip64Locator } from '../../../src/domain/export/zip-end-records.ts'
import { centralHeader, dataDescriptor, localHeader } from '../../../src/domain/export/zip-records.ts'
import { dosTime, unixSeconds } from '../../../src/domain/export/zip-time.ts'
import { utf8 } from './sample-archive.ts'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const bytes = (parts: readonly string[]) => parts.join('').replaceAll(' ', '')

const hello = {
  name: utf8('a.txt'),
  sizeBytes: 5,
  crc32: crc32('hello'),
  modifiedMs: Date.UTC(2024, 1, 29, 12, 34, 57, 999),
}
const big = { ...hello, sizeBytes: 0x1_2000_0001 }

describe('local header', () => {
  it('holds CRC, sizes, UTF-8 flag, UTC time and the time of modification', () => {
    expect(hex(localHeader(hello))).toBe(
      bytes([
        '504b0304 1400 0008 0000 5c64 5d58 86a61036 05000000 05000000 0500 0900',
        '612e747874 5554 0500 01 f179e065',
      ]),
    )
  })

  it('holds the sizes, no CRC and the flag of a data descriptor when the CRC is unknown', () => {
    expect(hex(localHeader({ ...hello, crc32: null }))).toBe(
      bytes([
        '504b0304 1400 0808 0000 5c64 5d58 00000000 05000000 05000000 0500 0900',
        '612e747874 5554 0500 01 f179e065',
      ]),
    )
  })

  it('from 4 GiB - 1 holds both sizes in the first extra field', () => {
    expect(hex(localHeader(big))).toBe(
      bytes([
        '504b0304 2d00 0008 0000 5c64 5d58 86a61036 ffffffff ffffffff 0500 1d00',
        '612e747874 0100 1000 0100002001000000 0100002001000000 5554 0500 01 f179e065',
      ]),
    )
    expect(localHeader({ ...hello, sizeBytes: 0xffff_fffe })).toHaveLength(44)
    expect(localHeader({ ...hello, sizeBytes: 0xffff_ffff })).toHaveLength(64)
  })
})

describe('data descriptor', () => {
  it('has a signature and sizes of 4 bytes', () => {
    expect(hex(dataDescriptor(hello, hello.crc32))).toBe(bytes(['504b0708 86a61036 05000000 05000000']))
  })

  it('has sizes of 8 bytes where the local header has a ZIP64 extra field', () => {
    expect(hex(dataDescriptor(big, big.crc32))).toBe(bytes(['504b0708 86a61036 0100002001000000 0100002001000000']))
  })
})

describe('central header', () => {
  it('says who made it, a regular file with rw-r--r--, and where the local header lies', () => {
    expect(hex(centralHeader(hello, 0x1234, hello.crc32))).toBe(
      bytes([
        '504b0102 2d03 1400 0008 0000 5c64 5d58 86a61036 05000000 05000000 0500 0900 0000 0000 0000 0000a481 34120000',
        '612e747874 5554 0500 01 f179e065',
      ]),
    )
  })

  it('holds size, size and offset in the ZIP64 extra field, whichever of them is large', () => {
    expect(hex(centralHeader(hello, 0x1_0000_0000, hello.crc32))).toBe(
      bytes([
        '504b0102 2d03 2d00 0008 0000 5c64 5d58 86a61036 ffffffff ffffffff 0500 2500 0000 0000 0000 0000a481 ffffffff',
        '612e747874 0100 1800 0500000000000000 0500000000000000 0000000001000000 5554 0500 01 f179e065',
      ]),
    )
    expect(hex(centralHeader(big, 7, big.crc32))).toContain('010018000100002001000000010000200100000007000000000000')
  })

  it('makes a folder of a name that ends in a slash', () => {
    expect(hex(centralHeader({ ...hello, name: utf8('d/'), sizeBytes: 0, crc32: 0 }, 0, 0))).toBe(
      bytes([
        '504b0102 2d03 1400 0008 0000 5c64 5d58 00000000 00000000 00000000 0200 0900 0000 0000 0000 1000ed41 00000000',
        '642f 5554 0500 01 f179e065',
      ]),
    )
  })
})

describe('end records', () => {
  it('is the short one alone in a small archive', () => {
    const small = { entries: 2, offset: 0x1234, lengthBytes: 0x99 }
    expect(hex(endRecords(small))).toBe(bytes(['504b0506 0000 0000 0200 0200 99000000 34120000 0000']))
  })

  it('has a ZIP64 record, its locator and the short one with all ones in a large archive', () => {
    const large = { entries: 70_000, offset: 0x1_2345_6789, lengthBytes: 0x99 }
    const record = bytes([
      '504b0606 2c00000000000000 2d03 2d00 00000000 00000000 7011010000000000 7011010000000000',
      '9900000000000000 8967452301000000',
    ])
    const locator = bytes(['504b0607 00000000 2268452301000000 01000000'])
    const short = bytes(['504b0506 0000 0000 ffff ffff 99000000 ffffffff 0000'])
    expect(hex(zip64EndRecord(large))).toBe(record)
    expect(hex(zip64Locator(large))).toBe(locator)
    expect(hex(endRecord(large))).toBe(short)
    expect(hex(endRecords(large))).toBe(record + locator + short)
  })

  it.each([
    [{ entries: 65_534, offset: 0xffff_fffe, lengthBytes: 0xffff_fffe }, 22],
    [{ entries: 65_535, offset: 0, lengthBytes: 0 }, 98],
    [{ entries: 1, offset: 0xffff_ffff, lengthBytes: 0 }, 98],
    [{ entries: 1, offset: 0, lengthBytes: 0xffff_ffff }, 98],
  ])('%o has %i bytes', (directory, lengthBytes) => {
    expect(endRecords(directory)).toHaveLength(lengthBytes)
  })
})

describe('time', () => {
  it.each([
    ['1970-01-01T00:00:00Z', '1980-01-01 00:00:00'],
    ['1980-01-01T00:00:01Z', '1980-01-01 00:00:00'],
    ['2026-12-31T23:59:59.999Z', '2026-12-31 23:59:58'],
    ['2107-12-31T23:59:59Z', '2107-12-31 23:59:58'],
    ['2108-01-01T00:00:00Z', '2107-12-31 23:59:58'],
    ['9999-12-31T23:59:59Z', '2107-12-31 23:59:58'],
  ])('%s is %s, in UTC and even seconds', (instant, expected) => {
    const { date, time } = dosTime(Date.parse(instant))
    const two = (value: number) => value.toString().padStart(2, '0')
    const day = `${1980 + (date >> 9)}-${two((date >> 5) & 15)}-${two(date & 31)}`
    expect(`${day} ${two(time >> 11)}:${two((time >> 5) & 63)}:${two((time & 31) * 2)}`).toBe(expected)
  })

  it('is left out of the extra field where readers would take the sign differently', () => {
    expect(unixSeconds(-1)).toBeUndefined()
    expect(unixSeconds(0)).toBe(0)
    expect(unixSeconds(0x7fff_ffff * 1000 + 999)).toBe(0x7fff_ffff)
    expect(unixSeconds(0x8000_0000 * 1000)).toBeUndefined()
    expect(localHeader({ ...hello, modifiedMs: -1 })).toHaveLength(35)
    expect(centralHeader({ ...hello, modifiedMs: -1 }, 0, 0)).toHaveLength(51)
  })
})
