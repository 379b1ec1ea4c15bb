import type { Digests } from '../../ports/digests.ts'
import type { Checksums, ETag, ObjectMeta, Part } from '../../ports/object-store.ts'

// How to know one's own write again after its answer was lost. All of it is pure. What cannot be told apart from somebody
// else's write is not ours, but for one case that `isJoined` names.

type Md5 = Digests['md5']

const isMd5 = (etag: string): boolean => /^[0-9a-f]{32}$/.test(etag)

/**
 * Whether `meta` is what writing `body` would have made: by the SHA-256 that the writer noted, or by an ETag that is the MD5
 * of the bytes, as S3 has it for objects of one part. Costs one pass over the body.
 */
export function isBody(
  meta: ObjectMeta,
  { body, contentType, checksums }: { body: Uint8Array; contentType: string; checksums: Checksums | undefined },
  md5: Md5,
): boolean {
  if (meta.sizeBytes !== body.byteLength || meta.contentType !== contentType) return false
  if (meta.checksums !== undefined && checksums !== undefined) return meta.checksums.sha256 === checksums.sha256
  return isMd5(meta.etag) && meta.etag === md5(body)
}

/**
 * What S3 names an object that was joined of `parts`: the MD5 of their MD5s, and their number. `undefined` where the parts'
 * own names are no MD5s. (Not in Amazon's reference; so since 2010, and so in Ceph, MinIO, R2 and B2.)
 */
export function joinedEtag(parts: readonly Part[], md5: Md5): ETag | undefined {
  if (!parts.every(({ etag }) => isMd5(etag))) return undefined
  const inOrder = [...parts].sort((a, b) => a.partNumber - b.partNumber)
  const hexes = inOrder.map(({ etag }) => etag).join('')
  const bytes = Uint8Array.from({ length: hexes.length / 2 }, (_, i) =>
    Number.parseInt(hexes.slice(2 * i, 2 * i + 2), 16),
  )
  return `${md5(bytes)}-${parts.length}` as ETag
}

/** What joining must make. */
export interface Joined {
  readonly sizeBytes: number
  /** Its name, where that can be known. */
  readonly etag: ETag | undefined
}

/**
 * Whether joining has made what lies under the key now. Where names cannot be compared, an object of the right size that
 * was not there `before` is taken for ours; unless `before` is `'unknowable'`, because others may be doing the same.
 */
export function isJoined(now: ObjectMeta, before: ObjectMeta | undefined | 'unknowable', wanted: Joined): boolean {
  if (now.sizeBytes !== wanted.sizeBytes) return false
  if (wanted.etag !== undefined && /^[0-9a-f]{32}-\d+$/.test(now.etag)) return now.etag === wanted.etag
  return before !== 'unknowable' && now.etag !== before?.etag
}
