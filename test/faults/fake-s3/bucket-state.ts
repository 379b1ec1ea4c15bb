import { createHash } from 'node:crypto'
import type { Quirks } from './profiles.ts'
import { S3Error } from './s3-error.ts'

export interface StoredObject {
  readonly body: Uint8Array
  /** Without quotes. */
  readonly etag: string
  readonly lastModifiedMs: number
  readonly contentType: string | undefined
  /** Without `x-amz-meta-`. */
  readonly metadata: Readonly<Record<string, string>>
  /** Other headers that were sent with it and come back with it: `cache-control`, checksums … */
  readonly headers: Readonly<Record<string, string>>
  /** Of an object that was joined, where the upload asked for checksums. */
  readonly parts?: readonly KeptPart[]
}

export interface KeptPart {
  readonly partNumber: number
  readonly sizeBytes: number
  /** In base64. */
  readonly crc32: string
}

export interface StoredPart {
  readonly body: Uint8Array
  readonly etag: string
  readonly lastModifiedMs: number
}

export interface Upload {
  readonly key: string
  readonly uploadId: string
  readonly facts: Pick<StoredObject, 'contentType' | 'metadata' | 'headers'>
  readonly startedMs: number
  /** What becomes of the CRC-32s of its parts; `undefined`: nobody asked for any. */
  readonly checksumType: 'COMPOSITE' | 'FULL_OBJECT' | undefined
  readonly parts: Map<number, StoredPart>
  /** A Complete was accepted and lands later. */
  merging: boolean
}

/** Everything the server remembers, and what its operations need besides. They change it in one go, without waiting. */
export interface BucketState {
  readonly name: string
  readonly quirks: Quirks
  readonly objects: Map<string, StoredObject>
  readonly uploads: Map<string, Upload>
  /** Uploads that are over, by id, with what came of them. */
  readonly closed: Map<string, { upload: Upload; how: 'completed' | 'aborted'; etag: string | undefined }>
  /** Every object that came into being, in order. */
  readonly commits: { key: string; etag: string }[]
  /** How often something happened that a quirk counts. */
  readonly counts: Map<string, number>
  readonly lastWriteMs: Map<string, number>
  nowMs(): number
  nextId(): string
  /** Runs `work` later, unless the server is stopped before. */
  later(ms: number, work: () => void): void
}

export const md5 = (content: Uint8Array): Buffer => createHash('md5').update(content).digest()

/** Counts one more of them; the first is 1. */
export function countUp({ counts }: BucketState, what: string): number {
  const count = (counts.get(what) ?? 0) + 1
  counts.set(what, count)
  return count
}

/** The one way in which objects come into being. Throws 429 and 507 where the profile has such limits. */
export function commitObject(state: BucketState, key: string, object: StoredObject): void {
  const { quirks, objects, commits, lastWriteMs } = state
  const nowMs = state.nowMs()
  if (nowMs - (lastWriteMs.get(key) ?? Number.NEGATIVE_INFINITY) < 1000 / quirks.writesPerSecond) {
    throw new S3Error(429, 'TooManyRequests', 'Reduce your concurrent request rate for the same object.')
  }
  demandSpace(state, object.body.byteLength - (objects.get(key)?.body.byteLength ?? 0))
  lastWriteMs.set(key, nowMs)
  objects.set(key, object)
  commits.push({ key, etag: object.etag })
}

/** Throws 507 when `moreBytes` do not fit. */
export function demandSpace({ quirks, objects, uploads }: BucketState, moreBytes: number): void {
  if (quirks.capacityBytes === Number.POSITIVE_INFINITY) return
  let usedBytes = 0
  for (const { body } of objects.values()) usedBytes += body.byteLength
  for (const { parts } of uploads.values()) for (const { body } of parts.values()) usedBytes += body.byteLength
  if (usedBytes + moreBytes > quirks.capacityBytes) {
    throw new S3Error(507, 'InsufficientStorage', 'No space left on device')
  }
}

/** Runs `work` and takes back what it did to objects and uploads. */
export function withoutEffect<Result>({ objects, uploads, closed, commits }: BucketState, work: () => Result): Result {
  const before = [...objects]
  const uploadsBefore = [...uploads].map(([id, upload]) => [id, { ...upload, parts: new Map(upload.parts) }] as const)
  const closedBefore = [...closed]
  const committed = commits.length
  try {
    return work()
  } finally {
    refill(objects, before)
    refill(uploads, uploadsBefore)
    refill(closed, closedBefore)
    commits.length = committed
  }
}

function refill<Key, Value>(map: Map<Key, Value>, entries: Iterable<readonly [Key, Value]>): void {
  map.clear()
  for (const [key, value] of entries) map.set(key, value)
}
