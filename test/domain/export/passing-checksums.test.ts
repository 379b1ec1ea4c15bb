import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { gapsBetween } from '../../../src/domain/export/checksummed-runs.ts'
import { checkpointBytes, createPassingChecksums } from '../../../src/domain/export/passing-checksums.ts'
import { layoutZip } from '../../../src/domain/export/zip-layout.ts'
import { entryOf } from './sample-archive.ts'

/** Digests that count what they are given. */
function countingDigests() {
  const counted = { bytes: 0 }
  return {
    counted,
    crc32(bytes: Uint8Array, seed = 0) {
      counted.bytes += bytes.byteLength
      return crc32(bytes, seed)
    },
  }
}

const layoutOf = (sizeBytes: number) => layoutZip({ entries: [entryOf({ name: 'a', sizeBytes, crc32: null })] })

/** In pieces of random lengths. */
function* chunksOf(bytes: Uint8Array, lengths: readonly number[]): Generator<Uint8Array> {
  let at = 0
  for (let i = 0; at < bytes.byteLength; i++) {
    const length = lengths[i % lengths.length] ?? 1
    yield bytes.subarray(at, at + length)
    at += length
  }
}

describe('checksums of bytes that pass', () => {
  it('are those of the object once all has passed, in whatever parts, order and chunks, and nothing is computed in vain', () => {
    const sizeBytes = 500
    const bytes = Buffer.from(Array.from({ length: sizeBytes }, (_, index) => (index * 31 + (index >> 3)) % 256))
    const cut = fc.nat({ max: sizeBytes })
    const reading = fc.record({
      span: fc.tuple(cut, cut).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const),
      /** How far it came before it was left. */
      share: fc.constantFrom(1, 1, 0.5),
      lengths: fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 5 }),
    })
    fc.assert(
      fc.property(fc.array(reading, { maxLength: 8 }), (readings) => {
        const digests = countingDigests()
        const passing = createPassingChecksums(layoutOf(sizeBytes), digests)
        const read = (from: number, to: number, share: number, lengths: readonly number[]) => {
          const follow = passing.follow({ entryIndex: 0, offset: from, lengthBytes: to - from })
          const passed = bytes.subarray(from, from + Math.floor((to - from) * share))
          for (const chunk of chunksOf(passed, lengths)) follow(chunk)
        }
        for (const { span, share, lengths } of readings) read(...span, share, lengths)
        for (const { from, to, crc32: known } of passing.runs(0)) expect(known).toBe(crc32(bytes.subarray(from, to)))
        const gaps = gapsBetween(passing.runs(0), sizeBytes)
        const before = digests.counted.bytes
        for (const { from, to } of gaps) read(from, to, 1, [64])
        expect(passing.crc32(0)).toBe(crc32(bytes))
        expect(digests.counted.bytes - before).toBe(gaps.reduce((sum, { from, to }) => sum + to - from, 0))
        read(0, sizeBytes, 1, [100])
        expect(digests.counted.bytes - before).toBe(gaps.reduce((sum, { from, to }) => sum + to - from, 0))
      }),
    )
  })

  it('are kept at every checkpoint, at the same places in every reading', () => {
    const sizeBytes = 3 * checkpointBytes
    const layout = layoutOf(sizeBytes)
    const chunk = new Uint8Array(2 ** 20 + 1)
    const told: (readonly [number, number])[] = []
    const passing = createPassingChecksums(layout, countingDigests(), (_, { from, to }) => told.push([from, to]))
    const offset = 5_000
    const follow = passing.follow({ entryIndex: 0, offset, lengthBytes: sizeBytes - offset })
    for (let passed = 0; passed < 2.5 * checkpointBytes; passed += chunk.byteLength) follow(chunk)
    expect(told).toEqual([
      [offset, checkpointBytes],
      [checkpointBytes, 2 * checkpointBytes],
    ])
    expect(passing.runs(0)).toHaveLength(1)
    expect(passing.crc32(0)).toBeUndefined()
  })
})
