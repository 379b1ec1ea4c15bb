import type { ObjectSegment, Segment } from './zip-segments.ts'

/** How large objects are read: as streams, one after the other, or in pieces of which several are read at once. */
export interface Splitting {
  readonly pieceBytes: number
  /** Asked before each part of a large object is begun. */
  inPieces(): boolean
  /** Whether the segment may be divided; a checksum that has to be computed needs its bytes in one. */
  mayDivide(segment: ObjectSegment): boolean
}

/** So soon it is decided for the first time how the rest of a large object is read, and then so seldom again. */
const firstStreamBytes = 8 * 1024 * 1024
const streamBytes = 64 * 1024 * 1024

/** The same bytes in the same order, with segments of large objects divided into parts. */
export function* splitSegments(
  segments: Iterable<Segment>,
  { pieceBytes, inPieces, mayDivide }: Splitting,
): Generator<Segment, void, undefined> {
  for (const segment of segments) {
    if (segment.kind !== 'object' || segment.lengthBytes <= pieceBytes || !mayDivide(segment)) yield segment
    else yield* partsOf(segment, (done) => (inPieces() ? pieceBytes : done === 0 ? firstStreamBytes : streamBytes))
  }
}

function* partsOf(segment: ObjectSegment, nextBytes: (doneBytes: number) => number): Generator<ObjectSegment> {
  for (let done = 0; done < segment.lengthBytes; ) {
    const lengthBytes = Math.min(nextBytes(done), segment.lengthBytes - done)
    yield { ...segment, offset: segment.offset + done, lengthBytes }
    done += lengthBytes
  }
}
