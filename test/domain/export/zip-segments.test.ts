import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { knownCrc32, missingChecksums } from '../../../src/domain/export/missing-checksums.ts'
import { dataOffset, entryAt, layoutZip } from '../../../src/domain/export/zip-layout.ts'
import { segments } from '../../../src/domain/export/zip-segments.ts'
import { assemble, entryOf, mixedFiles, sampleOf } from './sample-archive.ts'

const sample = sampleOf(mixedFiles)
const { layout } = sample
const whole = assemble(sample)

/** By the segments alone: the checksums that a range must say of entries whose bytes it does not hold. */
function unknownChecksums(from: number, toExclusive: number): number[] {
  const readWhole = new Set<number>()
  const missing = new Set<number>()
  for (const segment of segments(layout, from, toExclusive)) {
    if (segment.kind === 'bytes') continue
    const { sizeBytes } = entryAt(layout, segment.entryIndex)
    if (segment.kind !== 'object') missing.add(segment.entryIndex)
    else if (segment.lengthBytes === sizeBytes) readWhole.add(segment.entryIndex)
  }
  return [...missing.difference(readWhole)].sort((a, b) => a - b)
}

describe('segments', () => {
  it('of every range are the slice of the whole, and need no checksum that is not announced', () => {
    let ranges = 0
    for (let from = 0; from <= whole.byteLength; from++) {
      for (let to = from; to <= whole.byteLength; to++) {
        const same = Buffer.compare(assemble(sample, from, to), whole.subarray(from, to)) === 0
        if (!same) expect.fail(`bytes ${from} to ${to} differ`)
        if (`${missingChecksums(layout, { from, to })}` !== `${unknownChecksums(from, to)}`) {
          expect.fail(`bytes ${from} to ${to} lack other checksums`)
        }
        ranges++
      }
    }
    expect(ranges).toBe(((whole.byteLength + 1) * (whole.byteLength + 2)) / 2)
  })

  it('of any partition of any archive make the whole', () => {
    const files = fc.uniqueArray(
      fc.record({
        name: fc.stringMatching(/^[a-zé日]{1,6}$/),
        body: fc.uint8Array({ maxLength: 50 }),
        crcKnown: fc.constantFrom(true, false, 'awaited' as const),
      }),
      { maxLength: 6, selector: ({ name }) => name },
    )
    fc.assert(
      fc.property(files, fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 6 }), (given, fractions) => {
        const random = sampleOf(given)
        const { lengthBytes } = random.layout
        const cuts = [0, ...fractions.map((part) => Math.floor(part * lengthBytes)).sort((a, b) => a - b), lengthBytes]
        const pieces = cuts.slice(1).map((to, index) => assemble(random, cuts[index], to))
        expect(Buffer.concat(pieces).equals(assemble(random))).toBe(true)
      }),
      { numRuns: 200 },
    )
  })

  it('name the object, its version and the part of it that is wanted', () => {
    const [, first] = segments(layout, 0, whole.byteLength)
    expect(first).toMatchObject({ kind: 'object', entryIndex: 0, key: 'files/0', etag: 'e', offset: 0, lengthBytes: 5 })
    const [part, ...more] = segments(layout, 46, 48)
    expect(part).toMatchObject({ kind: 'object', entryIndex: 0, offset: 2, lengthBytes: 2 })
    expect(more).toEqual([])
  })

  it('are made one by one: the first of a range deep inside 70,000 files costs next to nothing', () => {
    const entries = Array.from({ length: 70_000 }, (_, index) => entryOf({ name: `${index}`, sizeBytes: 2 ** 20 }))
    const large = layoutZip({ entries })
    const started = performance.now()
    for (let i = 0; i < 1_000; i++) segments(large, i * 60_000_000, large.lengthBytes).next()
    expect(performance.now() - started).toBeLessThan(10_000)
  })

  it('refuses a range that is not in the archive', () => {
    expect(() => segments(layout, -1, 5).next()).toThrow(RangeError)
    expect(() => segments(layout, 6, 5).next()).toThrow(RangeError)
    expect(() => segments(layout, 0, whole.byteLength + 1).next()).toThrow(RangeError)
  })
})

describe('checksums of a range', () => {
  it('are not missing once they were given, nor for an empty file', () => {
    const range = { from: whole.byteLength - 200, to: whole.byteLength }
    expect(missingChecksums(layout, range)).toContain(4)
    expect(missingChecksums(layout, { from: 60, to: whole.byteLength })).not.toContain(3)
    const given = new Map(sample.crcs.entries())
    expect(missingChecksums(layout, range, given)).toEqual([])
    expect(knownCrc32({ crc32: null, sizeBytes: 0 })).toBe(0)
    expect(knownCrc32({ crc32: null, sizeBytes: 1 })).toBeNull()
    expect(knownCrc32({ crc32: 'awaited', sizeBytes: 1 })).toBeNull()
  })

  it('that is awaited are missing as soon as the range has its header and not all of its bytes', () => {
    const awaited = sampleOf([{ name: 'a', body: 'hello', crcKnown: 'awaited' }])
    const data = dataOffset(awaited.layout, 0)
    const missing = (from: number, to: number) => missingChecksums(awaited.layout, { from, to })
    expect(missing(0, awaited.layout.lengthBytes)).toEqual([])
    expect(missing(0, data + 5)).toEqual([])
    expect(missing(0, data + 4)).toEqual([0])
    expect(missing(0, 14)).toEqual([])
    expect(missing(18, data + 4)).toEqual([])
    expect(missing(data + 1, awaited.layout.lengthBytes)).toEqual([0])
  })

  it('that is awaited stand in the local header, and no descriptor follows: the archive is the one whose checksum was known', () => {
    const files = [
      { name: 'a', body: 'hello' },
      { name: 'b', body: 'world' },
    ]
    const awaited = sampleOf(files.map((file) => ({ ...file, crcKnown: 'awaited' as const })))
    expect(Buffer.compare(assemble(awaited), assemble(sampleOf(files)))).toBe(0)
  })
})
