import type { ObjectSegment, Segment } from './zip-segments.ts'

/** How far reading runs ahead of what was delivered. All bytes held, beside the chunk in hand, stay below `bytes`. */
export interface ReadAheadLimits {
  /** Objects, or pieces of them, being read or held at once; leave room for retries where connections are few. */
  readonly objects: number
  readonly bytes: number
  /** Objects up to this size, and pieces of larger ones, are read whole before their turn. */
  readonly wholeBytes: number
  /**
   * When larger objects are read in pieces of that size, several at once, and not as one stream: where a stream is seen to be
   * slow, as over a network whose connections are; where streams cost more than pieces; or where neither can be.
   */
  readonly pieces: 'when-slow' | 'always' | 'never'
}

const MiB = 1024 * 1024

/** 32 at once make a store that needs 20 ms for each object look like one that needs less than one. */
export const networkReadAhead: ReadAheadLimits = {
  objects: 32,
  bytes: 16 * MiB,
  wholeBytes: 2 * MiB,
  pieces: 'when-slow',
}

/** A disk, or memory: what is read there is bounded by the machine, and not by waiting. */
export const localReadAhead: ReadAheadLimits = { objects: 16, bytes: 16 * MiB, wholeBytes: MiB, pieces: 'never' }

/**
 * A request has six connections there, and all are used: one that failed has given its own back for the retry. An isolate has
 * 128 MB. What is read whole is collected by the runtime, and no JavaScript runs between its packets.
 */
export const workersReadAhead: ReadAheadLimits = { objects: 6, bytes: 15 * MiB, wholeBytes: 3 * MiB, pieces: 'always' }

/** A larger one is opened when no more than this is left in front of it: an idle response is cut after minutes. */
const leadBytes = 4 * 1024 * 1024
/** Bounds records that lie between objects, such as a whole central directory. */
const segmentsPerObject = 3

export type Upcoming =
  | { readonly segment: Exclude<Segment, ObjectSegment> }
  | { readonly segment: ObjectSegment; readonly chunks: Promise<readonly Uint8Array[]> }
  | { readonly segment: ObjectSegment; readonly body: Promise<ReadableStream<Uint8Array>> }

export interface ReadAhead {
  /** The next segment in order, its object being read already; the one before counts as delivered. `undefined` at the end. */
  next(): Upcoming | undefined
  /** The segment behind the present one, its object being read, too; it stays there. `undefined` at the end. */
  behind(): Upcoming | undefined
  /** So much of the present segment was delivered: reading may go on. */
  delivered(bytes: number): void
}

export interface SegmentSource {
  readonly fetch: (segment: ObjectSegment) => Promise<readonly Uint8Array[]>
  readonly open: (segment: ObjectSegment) => Promise<ReadableStream<Uint8Array>>
  /** Whether it is to be read whole, whatever its size. */
  readonly isHeld: (segment: ObjectSegment) => boolean
}

/** Begins to read `segments` in order, within `limits`. Once `signal` is aborted it begins nothing and frees what is open. */
export function createReadAhead(
  segments: Iterator<Segment>,
  source: SegmentSource,
  limits: ReadAheadLimits,
  signal: AbortSignal,
): ReadAhead {
  const queue: Upcoming[] = []
  let peeked: Segment | undefined
  /** From what was delivered to the end of the queue. */
  let aheadBytes = 0
  let present: { readonly segment: Segment; leftBytes: number } | undefined
  let objects = 0

  const isWhole = (segment: ObjectSegment) => segment.lengthBytes <= limits.wholeBytes || source.isHeld(segment)

  const mayBegin = (segment: Segment): boolean => {
    if (present === undefined && queue.length === 0) return true
    if (queue.length >= limits.objects * segmentsPerObject) return false
    if (segment.kind !== 'object') return aheadBytes <= limits.bytes
    if (objects >= limits.objects) return false
    if (!isWhole(segment)) return aheadBytes <= leadBytes
    return aheadBytes + segment.lengthBytes <= limits.bytes
  }

  const isStreamed = (segment: Segment | undefined): boolean => segment?.kind === 'object' && !isWhole(segment)

  const begin = (segment: Segment): Upcoming => {
    if (segment.kind !== 'object') return { segment }
    objects += 1
    if (isWhole(segment)) {
      const chunks = source.fetch(segment)
      // Its turn to fail comes later, or never.
      chunks.catch(() => {})
      return { segment, chunks }
    }
    const body = source.open(segment)
    body.catch(() => {})
    return { segment, body }
  }

  // What is fetched, and what was handed out, is freed by whoever reads it.
  const freeOpened = () => {
    for (const waiting of queue) {
      if ('body' in waiting) waiting.body.then((body) => body.cancel(signal.reason)).catch(() => {})
    }
  }
  signal.addEventListener('abort', freeOpened, { once: true })

  const fill = (atLeast = 0): void => {
    while (!signal.aborted) {
      const wanted = queue.length < atLeast
      // How the next part of a large object is read is decided when it is about to begin.
      const isEarly = isStreamed((queue.at(-1) ?? present)?.segment) && aheadBytes > leadBytes
      if (peeked === undefined && isEarly && !wanted) return
      peeked ??= segments.next().value ?? undefined
      if (peeked === undefined || !(wanted || mayBegin(peeked))) return
      queue.push(begin(peeked))
      aheadBytes += segmentBytes(peeked)
      peeked = undefined
    }
  }

  return {
    next() {
      signal.throwIfAborted()
      if (present !== undefined) {
        aheadBytes -= present.leftBytes
        if (present.segment.kind === 'object') objects -= 1
        present = undefined
      }
      fill()
      const next = queue.shift()
      if (next === undefined) return undefined
      present = { segment: next.segment, leftBytes: segmentBytes(next.segment) }
      return next
    },

    behind() {
      fill(1)
      return queue[0]
    },

    delivered(bytes) {
      if (present === undefined) return
      present.leftBytes -= bytes
      aheadBytes -= bytes
      fill()
    },
  }
}

function segmentBytes(segment: Segment): number {
  return segment.kind === 'bytes' ? segment.bytes.byteLength : segment.lengthBytes
}
