import {
  PreconditionFailed,
  RangeNotSatisfiable,
  StoreDenied,
  StoreMisbehaved,
  StoreUnavailable,
} from '../../ports/errors.ts'
import type { ObjectKey } from '../../ports/object-key.ts'
import type { CallOptions, ETag, ObjectMeta, Range, ReadObject, StoredObject } from '../../ports/object-store.ts'
import { resolveRange } from '../../ports/range.ts'
import type { S3Bucket } from './bucket.ts'
import { RangeRefused, RefusedWithoutReason, storeError } from './errors.ts'
import { exactBody } from './exact-body.ts'
import { type ForwardRange, headAlone, lengthIn, openAnswer } from './opened-answer.ts'

/** How often an object may be replaced between its head and its body before we give up. */
const replacedMax = 3

type Known = CallOptions & { ifMatch?: ETag }

/** One request for bytes counted from the start. Throws `RangeRefused` when they begin behind the end. */
type Open<Found> = (range: ForwardRange | undefined, known: Known) => Promise<Found | undefined>

/** The port's `get`. */
export function getObject(
  bucket: S3Bucket,
  key: ObjectKey,
  { range, ...known }: Known & { range?: Range },
): Promise<StoredObject | undefined> {
  return inRange(bucket, key, range, known, (...which) => openObject(bucket, key, ...which))
}

/** The port's `read`. */
export function readObject(
  bucket: S3Bucket,
  key: ObjectKey,
  { range, maxBytes, ...known }: Known & { range?: Range; maxBytes: number },
): Promise<ReadObject | undefined> {
  return inRange(bucket, key, range, known, (...which) => readAnswer(bucket, key, maxBytes, ...which))
}

async function inRange<Found>(
  bucket: S3Bucket,
  key: ObjectKey,
  range: Range | undefined,
  known: Known,
  open: Open<Found>,
): Promise<Found | undefined> {
  if (range !== undefined && ('suffixLength' in range || range.length === 0)) {
    return openMeasured(bucket, key, range, known, open)
  }
  try {
    return await open(range, known)
  } catch (error) {
    if (!(error instanceof RangeRefused)) throw error
    if (error.sizeBytes !== undefined) throw new RangeNotSatisfiable(error.sizeBytes)
    return openMeasured(bucket, key, range, known, open)
  }
}

/**
 * Asks for the size first and then for bytes counted from the start, of that version. For suffixes, which s3rver answers
 * with other bytes, and for ranges that cannot be said in a header.
 */
async function openMeasured<Found>(
  bucket: S3Bucket,
  key: ObjectKey,
  range: Range | undefined,
  { signal, ifMatch }: Known,
  open: Open<Found>,
): Promise<Found | undefined> {
  for (let replaced = 0; replaced < replacedMax; replaced++) {
    const meta = await headObject(bucket, key, { signal })
    if (meta === undefined) return undefined
    if (ifMatch !== undefined && meta.etag !== ifMatch) throw new PreconditionFailed('another version is stored')
    const { offset, lengthBytes } = resolveRange(range, meta.sizeBytes)
    try {
      return await open({ offset, length: lengthBytes }, { signal, ifMatch: meta.etag })
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

async function openObject(
  bucket: S3Bucket,
  key: ObjectKey,
  range: ForwardRange | undefined,
  known: Known,
): Promise<StoredObject | undefined> {
  const opened = await openAnswer(bucket, key, range, known)
  if (opened === undefined) return undefined
  const { source, meta, offset, lengthBytes } = opened
  return { meta, offset, lengthBytes, body: exactBody(source, lengthBytes, known.signal) }
}

/**
 * All at once, in the way that costs the runtime least, where the answer says how long it is and gives no more than it should;
 * else piece by piece, and no piece behind the end.
 */
async function readAnswer(
  bucket: S3Bucket,
  key: ObjectKey,
  maxBytes: number,
  range: ForwardRange | undefined,
  known: Known,
): Promise<ReadObject | undefined> {
  const opened = await openAnswer(bucket, key, range, known)
  if (opened === undefined) return undefined
  const { answer, source, meta, offset, lengthBytes } = opened
  if (lengthBytes > maxBytes) {
    await source.cancel().catch(() => {})
    throw new StoreMisbehaved(`the store has ${lengthBytes} bytes where at most ${maxBytes} were asked for`)
  }
  if (lengthIn(answer.headers) !== lengthBytes) {
    const body = exactBody(source, lengthBytes, known.signal)
    return { meta, offset, bytes: new Uint8Array(await new Response(body).arrayBuffer()) }
  }
  try {
    const bytes = await answer.bytes()
    if (bytes.byteLength !== lengthBytes) throw new StoreUnavailable('the body has another length than announced')
    return { meta, offset, bytes }
  } catch (error) {
    throw storeError(error, known.signal)
  }
}
