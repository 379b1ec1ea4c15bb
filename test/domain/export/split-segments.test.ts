import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { splitSegments } from '../../../src/domain/export/split-segments.ts'
import type { ObjectSegment, Segment } from '../../../src/domain/export/zip-segments.ts'
import type { ObjectKey } from '../../../src/ports/object-key.ts'
import type { ETag } from '../../../src/ports/object-store.ts'

const MiB = 1024 * 1024

const objectSegment = fc
  .record({ entryIndex: fc.nat(9), offset: fc.nat(10 * MiB), lengthBytes: fc.integer({ min: 1, max: 200 * MiB }) })
  .map((part): ObjectSegment => ({ kind: 'object', key: 'files/a' as ObjectKey, etag: 'e' as ETag, ...part }))
const header = fc.nat(9).map((length): Segment => ({ kind: 'bytes', bytes: new Uint8Array(length) }))

const isObject = (segment: Segment) => segment.kind === 'object'

describe('segments divided into parts', () => {
  it('are the same bytes in the same order, whatever is decided on the way', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(objectSegment, header), { maxLength: 6 }),
        fc.integer({ min: MiB / 2, max: 5 * MiB }),
        fc.infiniteStream(fc.boolean()),
        (given, pieceBytes, decisions) => {
          const inPieces = () => decisions.next().value === true
          const parts = [...splitSegments(given, { pieceBytes, inPieces, mayDivide: () => true })]
          expect(joined(parts)).toEqual(joined(given))
          expect(parts.filter((part) => !isObject(part))).toEqual(given.filter((part) => !isObject(part)))
        },
      ),
    )
  })

  it('have no piece that is larger than a piece, and are left alone where they may not be divided', () => {
    fc.assert(
      fc.property(fc.array(objectSegment, { maxLength: 6 }), fc.nat(9), (given, undivided) => {
        const mayDivide = ({ entryIndex }: ObjectSegment) => entryIndex !== undivided
        const parts = [...splitSegments(given, { pieceBytes: 3 * MiB, inPieces: () => true, mayDivide })]
        for (const part of parts) {
          if (part.kind === 'object' && mayDivide(part)) expect(part.lengthBytes).toBeLessThanOrEqual(3 * MiB)
        }
        const whole = (segment: Segment) => segment.kind === 'object' && !mayDivide(segment)
        expect(parts.filter(whole)).toEqual(given.filter(whole))
      }),
    )
  })
})

/** Neighbours of one object that follow each other count as one. */
function joined(segments: readonly Segment[]): unknown[] {
  const runs: { entryIndex: number; from: number; to: number }[] = []
  for (const segment of segments) {
    if (segment.kind !== 'object') continue
    const { entryIndex, offset, lengthBytes } = segment
    const last = runs.at(-1)
    if (last?.entryIndex === entryIndex && last.to === offset) last.to += lengthBytes
    else runs.push({ entryIndex, from: offset, to: offset + lengthBytes })
  }
  return runs
}
