import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type ChecksummedRuns, gapsBetween, wholeCrc32, withRun } from '../../../src/domain/export/checksummed-runs.ts'

const bytes = Buffer.from(Array.from({ length: 64 }, (_, index) => (index * 89) % 256))
const runOf = (from: number, to: number) => ({ from, to, crc32: crc32(bytes.subarray(from, to)) })
const knownBytes = (runs: ChecksummedRuns) => runs.reduce((sum, { from, to }) => sum + to - from, 0)

const span = fc
  .tuple(fc.nat({ max: 64 }), fc.nat({ max: 64 }))
  .map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const)

describe('runs of bytes whose CRC-32 is known', () => {
  it('are right, in order and apart, in whatever order they come and however they overlap, and never become less', () => {
    fc.assert(
      fc.property(fc.array(span, { maxLength: 12 }), (spans) => {
        let runs: ChecksummedRuns = []
        for (const [from, to] of spans) {
          const before = knownBytes(runs)
          runs = withRun(runs, runOf(from, to))
          expect(knownBytes(runs)).toBeGreaterThanOrEqual(before)
          for (const [index, run] of runs.entries()) {
            expect(run).toEqual(runOf(run.from, run.to))
            expect(run.from).toBeLessThan(run.to)
            expect(run.from).toBeGreaterThan(runs[index - 1]?.to ?? -1)
          }
        }
      }),
    )
  })

  it('are the whole once their gaps are filled, and not before', () => {
    fc.assert(
      fc.property(fc.array(span, { maxLength: 6 }), (spans) => {
        let runs = spans.reduce<ChecksummedRuns>((known, [from, to]) => withRun(known, runOf(from, to)), [])
        const gaps = gapsBetween(runs, bytes.byteLength)
        expect(wholeCrc32(runs, bytes.byteLength)).toBe(gaps.length === 0 ? crc32(bytes) : undefined)
        for (const { from, to } of gaps) runs = withRun(runs, runOf(from, to))
        expect(gapsBetween(runs, bytes.byteLength)).toEqual([])
        expect(wholeCrc32(runs, bytes.byteLength)).toBe(crc32(bytes))
      }),
    )
  })
})
