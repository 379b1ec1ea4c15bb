import { PreconditionFailed, RangeNotSatisfiable, StoreMisbehaved, StoreUnavailable } from '../../ports/errors.ts'
import type { ObjectKey } from '../../ports/object-key.ts'
import type { CallOptions, ETag, ObjectMeta, Range, StoredObject } from '../../ports/object-store.ts'
import { resolveRange } from '../../ports/range.ts'
import { etagFrom, ifMatchHeader, type S3Bucket } from './bucket.ts'
import { Absent } from './errors.ts'
import { objectMeta } from './metadata.ts'
import type { ObjectAnswer } from './object-fetch.ts'
import { signedRead } from './signed-read.ts'

export interface OpenedAnswer extends Omit<StoredObject, 'body'> {
  readonly answer: ObjectAnswer
  /** At least `lengthBytes` bytes, if all goes well. */
  readonly source: ReadableStream<Uint8Array>
}

/** One GET, its headers checked. Throws `RangeRefused` when the range begins behind the end. */
export async function openAnswer(
  bucket: S3Bucket,
  key: ObjectKey,
  range: ForwardRange | undefined,
  { signal, ifMatch }: CallOptions & { ifMatch?: ETag },
): Promise<OpenedAnswer | undefined> {
  const headers = {
    ...(range !== undefined && { range: rangeHeader(range) }),
    ...(ifMatch !== undefined && { 'if-match': ifMatchHeader(bucket, ifMatch) }),
  }
  const answer = await signedRead(bucket, key, { method: 'GET', headers, signal }).catch((error: unknown) => {
    if (error instanceof Absent) return undefined
    throw error
  })
  if (answer === undefined) return undefined
  const source = answer.body ?? emptyBody()
  try {
    const wholeBytes = lengthIn(answer.headers) ?? (await sizeByHead(bucket, key, answer.headers, signal))
    const { sizeBytes, offset, lengthBytes } = delivered(answer, wholeBytes, range)
    const meta = objectMeta(key, answer.headers, sizeBytes)
    // s3rver ignores If-Match on reads.
    if (ifMatch !== undefined && meta.etag !== ifMatch) throw new PreconditionFailed('another version is stored')
    return { meta, offset, lengthBytes, source, answer }
  } catch (error) {
    await source.cancel(error).catch(() => {})
    throw error
  }
}

/** One HEAD. */
export async function headAlone(
  bucket: S3Bucket,
  key: ObjectKey,
  signal: AbortSignal,
): Promise<ObjectMeta | undefined> {
  try {
    const { headers } = await signedRead(bucket, key, { method: 'HEAD', headers: {}, signal })
    const sizeBytes = lengthIn(headers)
    if (sizeBytes === undefined) throw new StoreMisbehaved('the store does not say how long the object is')
    return objectMeta(key, headers, sizeBytes)
  } catch (error) {
    if (error instanceof Absent) return undefined
    throw error
  }
}

/**
 * Proxies that send on in chunks take the length away. Without it nobody can tell a body that was cut from a whole one. A
 * refused HEAD is not made up for: that is done by a GET, whose length would be asked for here.
 */
async function sizeByHead(
  bucket: S3Bucket,
  key: ObjectKey,
  headers: Headers,
  signal: AbortSignal,
): Promise<number | undefined> {
  if (headers.has('content-range')) return undefined
  const meta = await headAlone(bucket, key, signal)
  if (meta !== undefined && meta.etag === etagFrom(headers.get('etag') ?? undefined)) return meta.sizeBytes
  throw new StoreUnavailable('the object was replaced while its size was asked for', { blame: 'request' })
}

export function lengthIn(headers: Headers): number | undefined {
  const length = headers.get('content-length')
  return length !== null && /^\d+$/.test(length) ? Number(length) : undefined
}

function emptyBody(): ReadableStream<Uint8Array> {
  return new ReadableStream({ start: (controller) => controller.close() })
}

export type ForwardRange = Extract<Range, { offset: number }>

const rangeHeader = ({ offset, length }: ForwardRange) =>
  `bytes=${offset}-${length === undefined ? '' : offset + length - 1}`

/** fetch undoes these without saying so; then neither the length nor the bytes are those of the object. */
const undoneByFetch = /\b(?:x-)?(?:gzip|deflate|compress|br|zstd)\b/i

/** Which bytes of the object the body of `answer` begins with, and how many of them were asked for. */
function delivered(answer: ObjectAnswer, wholeBytes: number | undefined, range: ForwardRange | undefined) {
  if (undoneByFetch.test(answer.headers.get('content-encoding') ?? '')) {
    throw new StoreMisbehaved('the object is stored under a Content-Encoding and cannot be given out byte by byte')
  }
  const part = contentRange(answer)
  const sizeBytes = part?.sizeBytes ?? wholeBytes
  if (sizeBytes === undefined) throw new StoreMisbehaved('the store does not say how long the object is')
  // s3rver answers 206 to a range of an empty object.
  if (range !== undefined && range.offset >= sizeBytes) throw new RangeNotSatisfiable(sizeBytes)
  const wanted = resolveRange(range, sizeBytes)
  const first = part?.first ?? 0
  const end = part === undefined ? sizeBytes : part.last + 1
  // A server may ignore the range, or give more than it was asked for (s3rver, to `bytes=0-0`); what lies behind is cut.
  if (first !== wanted.offset || end < wanted.offset + wanted.lengthBytes) {
    throw new StoreMisbehaved('the store answered with another range')
  }
  return { sizeBytes, ...wanted }
}

function contentRange({ status, headers }: ObjectAnswer) {
  if (status !== 206) return undefined
  const [, first, last, size] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(headers.get('content-range') ?? '') ?? []
  if (size === undefined) throw new StoreMisbehaved('the store does not say which range it answered with')
  return { first: Number(first), last: Number(last), sizeBytes: Number(size) }
}
