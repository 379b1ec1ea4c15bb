import { describe, expect, it } from 'vitest'
import type { ManifestEntry } from '../../../src/domain/export/manifest.ts'
import { centralDirectory, dataOffset, indexAt, layoutZip, offsetAt } from '../../../src/domain/export/zip-layout.ts'
import { segments } from '../../../src/domain/export/zip-segments.ts'
import { entryOf } from './sample-archive.ts'

const GiB = 2 ** 30
const sized = (sizes: readonly number[], crc32: number | null, name = (index: number) => `f${index}`) =>
  layoutZip({ entries: sizes.map((sizeBytes, index) => entryOf({ name: name(index), sizeBytes, crc32 })) })

describe('length of an archive', () => {
  it.each([
    ['no entry', [], 22, 22],
    ['an empty file', [0], 120, 136],
    ['20,480 bytes', [20_480], 20_600, 20_616],
    ['4 GiB - 2', [2 ** 32 - 2], 4_294_967_490, 4_294_967_506],
    ['4 GiB - 1', [2 ** 32 - 1], 4_294_967_539, 4_294_967_563],
    ['2.5 GiB, 2.5 GiB, 1', [2.5 * GiB, 2.5 * GiB, 1], 5_368_709_541, 5_368_709_589],
  ])('%s', (_, sizes, known, unknown) => {
    expect(sized(sizes, 0).lengthBytes).toBe(known)
    expect(sized(sizes, null).lengthBytes).toBe(unknown)
  })

  it('a name of nine bytes and five bytes', () => {
    expect(sized([5], 0, () => '日本.txt').lengthBytes).toBe(141)
    expect(sized([5], null, () => '日本.txt').lengthBytes).toBe(157)
  })

  it.each([
    [65_534, 6_946_626, 7_995_170],
    [65_535, 6_946_808, 7_995_368],
  ])('%i empty files with names of six bytes', (count, known, unknown) => {
    const sizes = new Array<number>(count).fill(0)
    const name = (index: number) => `f${index.toString().padStart(5, '0')}`
    expect(sized(sizes, 0, name).lengthBytes).toBe(known)
    expect(sized(sizes, null, name).lengthBytes).toBe(unknown)
  })

  it('70,000 files, 4.5 GiB among them, is the sum of what its segments say', () => {
    const sizes = Array.from({ length: 70_000 }, (_, index) => (index === 100 ? 4.5 * GiB : index % 3))
    const entries = sizes.map((sizeBytes, index): ManifestEntry => {
      return entryOf({ name: `folder/${index}.png`, sizeBytes, crc32: index % 2 === 0 ? 7 : null })
    })
    const layout = layoutZip({ entries })
    let lengthBytes = 0
    for (const segment of segments(layout, 0, layout.lengthBytes)) {
      lengthBytes += segment.kind === 'bytes' ? segment.bytes.byteLength : segment.lengthBytes
    }
    expect(lengthBytes).toBe(layout.lengthBytes)
  })
})

describe('ZIP64 in a layout', () => {
  it('begins just where an offset or a size does not fit', () => {
    // 41 bytes of local header: so the second file begins at 4 GiB - 2, and at 4 GiB - 1.
    const near = sized([2 ** 32 - 2 - 41, 0], 0)
    const far = sized([2 ** 32 - 1 - 41, 0], 0)
    expect(offsetAt(near.localOffsets, 1)).toBe(2 ** 32 - 2)
    expect(offsetAt(far.localOffsets, 1)).toBe(2 ** 32 - 1)
    const lengthOfSecond = (layout: typeof near) =>
      offsetAt(layout.centralOffsets, 2) - offsetAt(layout.centralOffsets, 1)
    expect(lengthOfSecond(near)).toBe(57)
    expect(lengthOfSecond(far)).toBe(85)
  })

  it('puts no ZIP64 record into an archive that does without', () => {
    const layout = sized([1, 2, 3], 0)
    const { offset, lengthBytes } = centralDirectory(layout)
    expect(layout.lengthBytes).toBe(offset + lengthBytes + 22)
  })
})

describe('places', () => {
  it('are found for every position', () => {
    const offsets = Float64Array.of(0, 10, 11, 500)
    expect([0, 9, 10, 11, 499, 500, 9_999].map((position) => indexAt(offsets, position))).toEqual([0, 0, 1, 2, 2, 3, 3])
    expect(indexAt(Float64Array.of(0), 5)).toBe(0)
    expect(() => offsetAt(offsets, 4)).toThrow(RangeError)
  })

  it('data lie behind their header, whatever follows them', () => {
    expect(dataOffset(sized([5, 7], 0), 1)).toBe(41 + 5 + 41)
    expect(dataOffset(sized([5, 7], null), 1)).toBe(41 + 5 + 16 + 41)
    expect(dataOffset(sized([2 ** 32, 7], null), 1)).toBe(61 + 2 ** 32 + 24 + 41)
  })

  it('refuses what no record can say', () => {
    expect(() => sized([0], 0, () => '')).toThrow(RangeError)
    expect(() => sized([0], 0, () => 'x'.repeat(65_536))).toThrow(RangeError)
    expect(() => sized([2 ** 53 - 1], 0)).toThrow(RangeError)
    expect(() => layoutZip({ entries: [entryOf({ name: 'a', modifiedAt: 'yesterday' })] })).toThrow(RangeError)
  })

  it('are planned for 70,000 files in a blink', () => {
    const entries = Array.from({ length: 70_000 }, (_, index) => entryOf({ name: `folder/${index}.png` }))
    const started = performance.now()
    layoutZip({ entries })
    expect(performance.now() - started).toBeLessThan(20_000)
  })
})
