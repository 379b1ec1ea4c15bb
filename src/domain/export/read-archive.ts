import type { Clock } from '../../ports/clock.ts'
import type { Digests } from '../../ports/digests.ts'
import type { ObjectStore } from '../../ports/object-store.ts'
import { createEntryChecksums, type EntryChecksums, type LearnedChecksums } from './entry-checksums.ts'
import { createChunkJoiner } from './join-chunks.ts'
import { missingChecksums } from './missing-checksums.ts'
import { exactBytes, openObject, readSegment } from './object-bytes.ts'
import { createReadAhead, type ReadAhead, type ReadAheadLimits } from './read-ahead.ts'
import { ExportChecksumMissing } from './refusals.ts'
import { splitSegments } from './split-segments.ts'
import { createStorePace } from './store-pace.ts'
import { entryAt, type ZipLayout } from './zip-layout.ts'
import {
  type BytesSegment,
  type ObjectSegment,
  type RecordSegment,
  recordBytes,
  type Segment,
  segments,
} from './zip-segments.ts'

export interface ReadArchiveDeps {
  readonly store: ObjectStore
  readonly digests: Digests
  readonly clock: Pick<Clock, 'nowMs'>
  readonly readAhead: ReadAheadLimits
}

export interface ReadArchiveOptions {
  /** The bytes `[from, toExclusive)` of the archive. */
  readonly from: number
  readonly toExclusive: number
  readonly signal: AbortSignal
  /** Also compute the CRC-32 of entries that have one and are read whole, and compare: 0.25 s of CPU a GB on Node. */
  readonly verifyChecksums: boolean
  /**
   * For the checksums that the manifest lacks. Without it they are computed while the bytes pass, and a range that needs
   * one of an object which it does not hold is refused.
   */
  readonly learned?: LearnedChecksums
}

/** The bytes of a range of the archive, pulled: nothing is read before the first pull, and little ahead of it after. */
export type ReadArchive = (layout: ZipLayout, options: ReadArchiveOptions) => ReadableStream<Uint8Array>

/**
 * Throws at once `RangeError` (no such range) or `ExportChecksumMissing`. The stream then gives exactly the bytes asked
 * for, or errors, and never ends before: with `ExportStale` (an object is not the version of the manifest), with
 * `ExportCorrupt` (a CRC-32 differs), or as the store throws. Cancelling it, like aborting the signal, ends all reading at
 * once. Each byte is asked for once, and objects without any not at all.
 */
export function createReadArchive(deps: ReadArchiveDeps): ReadArchive {
  return (layout, options) => {
    const { from, toExclusive } = options
    const parts = segments(layout, from, toExclusive)
    const missing = options.learned === undefined ? missingChecksums(layout, { from, to: toExclusive }) : []
    if (missing.length > 0) throw new ExportChecksumMissing(missing)
    const ending = new AbortController()
    const chunks = archiveChunks(deps, layout, parts, options, ending)
    return new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          // The generator gives no empty chunk: a pull that enqueues nothing would never be followed by another.
          ending.signal.throwIfAborted()
          const { done, value } = await chunks.next()
          if (done) controller.close()
          else controller.enqueue(value)
        },
        async cancel(reason) {
          ending.abort(reason)
          await chunks.return()
        },
      },
      { highWaterMark: 0 },
    )
  }
}

async function* archiveChunks(
  { store, digests, clock, readAhead }: ReadArchiveDeps,
  layout: ZipLayout,
  parts: Iterable<Segment>,
  options: ReadArchiveOptions,
  ending: AbortController,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { signal } = ending
  const end = () => ending.abort(options.signal.reason)
  options.signal.throwIfAborted()
  options.signal.addEventListener('abort', end, { once: true })
  const joiner = createChunkJoiner()
  const checksums = createEntryChecksums(layout, digests, options)
  const entryOf = ({ entryIndex }: ObjectSegment) => entryAt(layout, entryIndex)
  const open = (segment: ObjectSegment) => openObject(store, entryOf(segment), segment, signal)
  const fetch = async (segment: ObjectSegment): Promise<readonly Uint8Array[]> => {
    const { chunks, checksums: noted } = await readSegment(store, entryOf(segment), segment, signal)
    if (noted !== undefined) checksums.told(segment.entryIndex, Number.parseInt(noted.crc32, 16))
    const following = checksums.follow(segment)
    for (const chunk of chunks) following.update(chunk)
    following.finish()
    return chunks
  }
  const pace = createStorePace(clock)
  const divided = splitSegments(parts, {
    pieceBytes: readAhead.wholeBytes,
    inPieces: () => readAhead.pieces === 'always' || (readAhead.pieces === 'when-slow' && pace.isSlow()),
    mayDivide: (segment) =>
      readAhead.pieces !== 'never' && !options.verifyChecksums && checksums.crc32(segment.entryIndex) !== undefined,
  })
  const isHeld = (segment: ObjectSegment) => entryOf(segment).crc32 === 'awaited'
  const ahead = createReadAhead(divided, { fetch, open, isHeld }, readAhead, signal)
  try {
    for (let item = ahead.next(); item !== undefined; item = ahead.next()) {
      if ('body' in item) {
        const following = checksums.follow(item.segment)
        for await (const chunk of exactBytes(
          await item.body,
          entryOf(item.segment),
          item.segment,
          signal,
          pace.waitFor,
        )) {
          following.update(chunk)
          for (const ready of joiner.push(chunk)) yield ready
          ahead.delivered(chunk.byteLength)
        }
        following.finish()
      } else {
        const chunks =
          'chunks' in item ? await item.chunks : [await headerBytes(layout, item.segment, ahead, checksums, signal)]
        if ('chunks' in item) await checksums.keepUp()
        for (const chunk of chunks) for (const ready of joiner.push(chunk)) yield ready
      }
    }
    // Before the last bytes: who has them leaves, and on Workers his request with him.
    await checksums.end()
    for (const ready of joiner.rest()) yield ready
  } catch (error) {
    ending.abort(error)
    throw error
  } finally {
    options.signal.removeEventListener('abort', end)
    await checksums.end()
  }
}

async function headerBytes(
  layout: ZipLayout,
  segment: BytesSegment | RecordSegment,
  ahead: Pick<ReadAhead, 'behind'>,
  checksums: EntryChecksums,
  signal: AbortSignal,
): Promise<Uint8Array> {
  if (segment.kind === 'bytes') return segment.bytes
  const { kind, entryIndex } = segment
  if (kind === 'local' && checksums.crc32(entryIndex) === undefined) {
    const behind = ahead.behind()
    // With the bytes comes their checksum, if these are all of them.
    if (behind !== undefined && 'chunks' in behind && behind.segment.entryIndex === entryIndex) await behind.chunks
  }
  return recordBytes(layout, segment, await checksums.find(entryIndex, { signal }))
}
