import { ListObjectsV2Command, type ListObjectsV2CommandOutput } from '@aws-sdk/client-s3'
import { StoreMisbehaved, StoreUnavailable } from '../../ports/errors.ts'
import { compareKeys, objectKeyOrUndefined } from '../../ports/object-key.ts'
import type { CallOptions, ListedObject, ListPage } from '../../ports/object-store.ts'
import { etagFrom, type S3Bucket, send } from './bucket.ts'
import { decodeCursor, encodeCursor } from './list-cursor.ts'

export type ListRequest = CallOptions & { prefix: string; delimiter?: '/'; cursor?: string; limit: number }

/** One name of a page: an object, or a beginning that several share. */
type Entry = { readonly name: string; readonly object: ListedObject | undefined }

/**
 * The port's `list`. Names that cannot be keys (directory markers, RunPod's own folders) and names that were not asked for
 * are left out, so a page may be short. Within a page the order is ours; across pages it is the server's.
 */
export async function listObjects(bucket: S3Bucket, request: ListRequest): Promise<ListPage> {
  const { prefix, delimiter, cursor, limit, signal } = request
  const { token, after } = decodeCursor(cursor)
  const command = new ListObjectsV2Command({
    Bucket: bucket.bucket,
    Prefix: bucket.base + prefix,
    MaxKeys: limit,
    EncodingType: 'url',
    ...(delimiter !== undefined && { Delimiter: delimiter }),
    ...(token !== undefined && { ContinuationToken: token }),
  })
  const answer = await send(signal, (options) => bucket.client.send(command, options))
  const next = nextToken(answer, token)
  const entries = entriesIn(answer, bucket.base)
    .filter(({ name }) => name.startsWith(prefix) && (after === undefined || compareKeys(name, after) > 0))
    .sort((a, b) => compareKeys(a.name, b.name))
  // Servers that do not count prefixes give more than the limit. Then the rest is cut off, and asked for again.
  const shown = entries.slice(0, limit)
  const cut = entries.length > limit ? shown.at(-1)?.name : undefined
  return {
    objects: shown.flatMap(({ object }) => object ?? []),
    prefixes: shown.flatMap(({ name, object }) => (object === undefined ? name : [])),
    cursor: cut === undefined ? next && encodeCursor({ token: next }) : encodeCursor({ token, after: cut }),
  }
}

function nextToken(answer: ListObjectsV2CommandOutput, token: string | undefined): string | undefined {
  const { IsTruncated, KeyCount, Name, NextContinuationToken } = answer
  // An answer without a body reads like an empty bucket.
  if (IsTruncated === undefined && KeyCount === undefined && Name === undefined) {
    throw new StoreUnavailable('the store answered a listing with nothing')
  }
  if (!IsTruncated) return undefined
  if (NextContinuationToken === undefined) throw new StoreMisbehaved('a listing breaks off without saying where')
  // RunPod is reported to do this while it computes the checksums of a first listing.
  if (NextContinuationToken === token) throw new StoreUnavailable('the listing does not move on')
  return NextContinuationToken
}

function entriesIn(answer: ListObjectsV2CommandOutput, base: string): Entry[] {
  const decoded = (name: string) => (answer.EncodingType === 'url' ? urlDecoded(name) : name)
  const below = (name: string | undefined) => {
    const whole = name === undefined ? undefined : decoded(name)
    return whole?.startsWith(base) ? whole.slice(base.length) : undefined
  }
  const objects = (answer.Contents ?? []).flatMap(({ Key, Size, ETag, LastModified }) => {
    const key = objectKeyOrUndefined(below(Key) ?? '')
    const etag = etagFrom(ETag)
    if (key === undefined || etag === undefined) return []
    return { name: key, object: { key, sizeBytes: Size ?? 0, etag, lastModified: LastModified ?? new Date(0) } }
  })
  const prefixes = (answer.CommonPrefixes ?? []).flatMap(({ Prefix }) => {
    const name = below(Prefix) ?? ''
    return objectKeyOrUndefined(name.slice(0, -1)) === undefined ? [] : { name, object: undefined }
  })
  return [...objects, ...prefixes]
}

/** As in forms: Amazon writes a blank as `+`. A name that is not well encoded is left as it is. */
function urlDecoded(name: string): string {
  try {
    return decodeURIComponent(name.replaceAll('+', ' '))
  } catch {
    return name
  }
}
