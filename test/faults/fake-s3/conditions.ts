import type { BucketState, StoredObject } from './bucket-state.ts'
import { headerOf, type RequestHead } from './request.ts'
import { noSuchKey, notImplemented, preconditionFailed, S3Error } from './s3-error.ts'

/** Throws 412 or 404 when a write to `key` was made to depend on something that does not hold. */
export function demandWriteConditions(
  request: RequestHead,
  { objects, quirks }: BucketState,
  key: string,
  honoured: 'honoured' | 'ignored',
): void {
  if (honoured === 'ignored') return
  const present = objects.get(key)
  const ifNoneMatch = headerOf(request, 'if-none-match')
  if (ifNoneMatch !== undefined) {
    // Amazon knows no other form of it on writes.
    if (ifNoneMatch !== '*') throw notImplemented('If-None-Match')
    if (present !== undefined) throw preconditionFailed('If-None-Match')
  }
  const ifMatch = headerOf(request, 'if-match')
  if (ifMatch === undefined) return
  if (present === undefined) throw quirks.ifMatchOnAbsent === 404 ? noSuchKey(key) : preconditionFailed('If-Match')
  const holds = quirks.quotedIfMatch === 'accepted' ? matches(ifMatch, present.etag) : ifMatch === present.etag
  if (!holds) throw preconditionFailed('If-Match')
}

/** Throws 412 or 304, in the order of RFC 9110 §13.2.2. `headers` go with a 304. */
export function demandReadConditions(
  request: RequestHead,
  object: StoredObject,
  headers: Record<string, string>,
): void {
  const ifMatch = headerOf(request, 'if-match')
  const ifNoneMatch = headerOf(request, 'if-none-match')
  const unmodifiedSince = timeIn(request, 'if-unmodified-since')
  const modifiedSince = timeIn(request, 'if-modified-since')
  const changedMs = Math.floor(object.lastModifiedMs / 1000) * 1000
  if (ifMatch !== undefined) {
    if (!matches(ifMatch, object.etag)) throw preconditionFailed('If-Match')
  } else if (unmodifiedSince !== undefined && changedMs > unmodifiedSince) {
    throw preconditionFailed('If-Unmodified-Since')
  }
  const unmodified =
    ifNoneMatch !== undefined
      ? matches(ifNoneMatch, object.etag)
      : modifiedSince !== undefined && changedMs <= modifiedSince
  if (unmodified) throw new S3Error(304, 'NotModified', 'Not Modified', { headers })
}

const matches = (header: string, etag: string): boolean =>
  header
    .split(',')
    .map((one) => one.trim().replace(/^W\//, ''))
    .some((one) => one === '*' || one === etag || one === `"${etag}"`)

function timeIn(request: RequestHead, name: string): number | undefined {
  const ms = Date.parse(headerOf(request, name) ?? '')
  return Number.isNaN(ms) ? undefined : ms
}
