import {
  PreconditionFailed,
  RangeNotSatisfiable,
  StoreDenied,
  StoreMisbehaved,
  StoreUnavailable,
} from '../../ports/errors.ts'
import type { ObjectKey } from '../../ports/object-key.ts'
import type { CallOptions, ETag, ObjectMeta, Range, StoredObject } from '../../ports/object-store.ts'
import { resolveRange } from '../../ports/range.ts'
import { etagFrom, ifMatchHeader, type S3Bucket } from './bucket.ts'
import { Absent, RangeRefused, RefusedWithoutReason } from './errors.ts'
import { exactBody } from './exact-body.ts'
import { objectMeta } from './metadata.ts'
import { type ObjectAnswer, signedRead } from './signed-read.ts'

type ForwardRange = Extract<Range, { offset: number }>

/** How often an object may be replaced between its head and its body before we give up. */
const replacedMax = 3

/** The port's `get`. */
export async function getObject(
  bucket: S3Bucket,
  key: ObjectKey,
  { range, ifMatch, signal }: CallOptions & { range?: Range; ifMatch?: ETag },
): Promise<StoredObject | undefined> {
  const known = ifMatch === undefined ? { signal } : { signal, ifMatch }
  if (range !== undefined && ('suffixLength' in range || range.length === 0)) {
    return getMeasured(bucket, key, range, known)
  }
  try {
    return await openObject(bucket, key, range, known)
  } catch (error) {
    if (!(error instanceof RangeRefused)) throw error
    if (error.sizeBytes !== undefined) throw new RangeNotSatisfiable(error.sizeBytes)
    return getMeasured(bucket, key, range, known)
  }
}

/**
 * Asks for the size first and then for bytes counted from the start, of that version. For suffixes, which s3rver answers
 * with other bytes, and for ranges that cannot be said in a header.
 */
async function getMeasured(
  bucket: S3Bucket,
  key: ObjectKey,
  range: Range | undefined,
  { signal, ifMatch }: CallOptions & { ifMatch?: ETag },
): Promise<StoredObject | undefined> {
  for (let replaced = 0; replaced < replacedMax; replaced++) {
    const meta = await headObject(bucket, key, { signal })
    if (meta === undefined) return undefined
    if (ifMatch !== undefined && meta.etag !== ifMatch) throw new PreconditionFailed('another version is stored')
    const { offset, lengthBytes } = resolveRange(range, meta.sizeBytes)
    try {
      return await openObject(bucket, key, { offset, length: lengthBytes }, { signal, ifMatch: meta.etag })
    } catch (error) {
      if (ifMatch !== undefined || !(error instanceof PreconditionFailed)) throw error
    }
  }
  throw new StoreUnavailable('the object is replaced faster than it can be read')
}

/** The port's `head`. */
export async function headObject(
  bucket: S3Bucket,
  key: ObjectKey,
  { signal }: CallOptions,
): Promise<ObjectMeta | undefined> {
  try {
    return await headAlone(bucket, key, signal)
  } catch (error) {
    if (error instanceof StoreDenied || error instanceof RefusedWithoutReason) return headByGet(bucket, key, signal)
    throw error
  }
}

/** One HEAD. */
async function headAlone(bucket: S3Bucket, key: ObjectKey, signal: AbortSignal): Promise<ObjectMeta | undefined> {
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
 * RunPod is reported to answer 403 or 400 to some HEADs of objects that it gives out. One byte is asked for, which an empty
 * object does not have; its whole body is as short as any.
 */
async function headByGet(bucket: S3Bucket, key: ObjectKey, signal: AbortSignal): Promise<ObjectMeta | undefined> {
  const metaOf = async (range: ForwardRange | undefined) => {
    const opened = await openObject(bucket, key, range, { signal })
    await opened?.body.cancel()
    return opened?.meta
  }
  try {
    return await metaOf({ offset: 0, length: 1 })
  } catch (error) {
    if (!(error instanceof RangeRefused || error instanceof RangeNotSatisfiable)) throw error
    return metaOf(undefined)
  }
}

/** One GET. Throws `RangeRefused` when the range begins behind the end. */
export async function openObject(
  bucket: S3Bucket,
  key: ObjectKey,
  range: ForwardRange | undefined,
  { signal, ifMatch }: CallOptions & { ifMatch?: ETag },
): Promise<StoredObject | undefined> {
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
    return { meta, offset, lengthBytes, body: exactBody(source, lengthBytes, signal) }
  } catch (error) {
    await source.cancel(error).catch(() => {})
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

function lengthIn(headers: Headers): number | undefined {
  const length = headers.get('content-length')
  return length !== null && /^\d+$/.test(length) ? Number(length) : undefined
}

function emptyBody(): ReadableStream<Uint8Array> {
  return new ReadableStream({ start: (controller) => controller.close() })
}

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
