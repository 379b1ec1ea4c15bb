import type { Digests } from '../../ports/digests.ts'
import { type ChecksummedRun, type ChecksummedRuns, wholeCrc32, withRun } from './checksummed-runs.ts'
import { entryAt, type ZipLayout } from './zip-layout.ts'
import type { ObjectSegment } from './zip-segments.ts'

/** What is known of the objects of an archive from bytes that passed, here or elsewhere. In memory; asks nobody. */
export interface PassingChecksums {
  runs(entryIndex: number): ChecksummedRuns
  /** Of the whole object, once all its bytes are known. */
  crc32(entryIndex: number): number | undefined
  add(entryIndex: number, run: ChecksummedRun): void
  /** The CRC-32 of the whole object. */
  addWhole(entryIndex: number, crc32: number): void
  /** The entries of which anything is known. */
  entryIndexes(): Iterable<number>
  /** Give it every chunk of the segment, in order. Computes nothing for bytes that are known already. */
  follow(segment: Pick<ObjectSegment, 'entryIndex' | 'offset' | 'lengthBytes'>): (chunk: Uint8Array) => void
}

/** How often, in a large object, what was computed so far becomes a run: what a reading that broke off loses at most. */
export const checkpointBytes = 16 * 2 ** 20

/** `onRun` is told of every run that was computed here, once it counts. */
export function createPassingChecksums(
  layout: ZipLayout,
  digests: Pick<Digests, 'crc32'>,
  onRun: (entryIndex: number, run: ChecksummedRun) => void = () => {},
): PassingChecksums {
  const partly = new Map<number, ChecksummedRuns>()
  /** Apart, because of 70,000 small objects these are all that there is: 40 bytes each in place of 200. */
  const wholes = new Map<number, number>()

  const sizeOf = (entryIndex: number) => entryAt(layout, entryIndex).sizeBytes
  const runs = (entryIndex: number): ChecksummedRuns => {
    const crc32 = wholes.get(entryIndex)
    return crc32 === undefined ? (partly.get(entryIndex) ?? []) : [{ from: 0, to: sizeOf(entryIndex), crc32 }]
  }
  const addWhole = (entryIndex: number, crc32: number) => {
    wholes.set(entryIndex, crc32)
    partly.delete(entryIndex)
  }
  const add = (entryIndex: number, run: ChecksummedRun) => {
    const joined = withRun(runs(entryIndex), run)
    const crc32 = wholeCrc32(joined, sizeOf(entryIndex))
    if (crc32 === undefined) partly.set(entryIndex, joined)
    else addWhole(entryIndex, crc32)
  }

  return {
    runs,
    crc32: (entryIndex) => wholes.get(entryIndex),
    add,
    addWhole,
    *entryIndexes() {
      yield* wholes.keys()
      yield* partly.keys()
    },

    follow({ entryIndex, offset, lengthBytes }) {
      const end = offset + lengthBytes
      let from = offset
      let at = offset
      let crc32 = 0

      const close = () => {
        if (at > from) {
          const run = { from, to: at, crc32 }
          add(entryIndex, run)
          onRun(entryIndex, run)
        }
        from = at
        crc32 = 0
      }

      /** Where the bytes from `at` on are first treated otherwise. At the same multiples in every reading, so that runs fit together. */
      const nextStop = () => {
        const checkpoint = (Math.floor(at / checkpointBytes) + 1) * checkpointBytes
        const behind = runs(entryIndex).find((run) => run.from > at)?.from ?? end
        return Math.min(checkpoint, behind, end)
      }

      return (chunk) => {
        for (let rest = chunk; rest.byteLength > 0 && at < end; ) {
          const covering = runs(entryIndex).find((run) => run.from <= at && at < run.to)
          const stop = covering === undefined ? nextStop() : Math.min(covering.to, end)
          const piece = rest.subarray(0, stop - at)
          if (covering === undefined) crc32 = digests.crc32(piece, crc32)
          else close()
          at += piece.byteLength
          if (covering !== undefined) from = at
          else if (at === stop) close()
          rest = rest.subarray(piece.byteLength)
        }
      }
    },
  }
}
