import { DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { StoreUnavailable } from '../../ports/errors.ts'
import type { ObjectKey } from '../../ports/object-key.ts'
import type {
  CallOptions,
  DeleteOutcome,
  ETag,
  PutCondition,
  PutOptions,
  PutOutcome,
} from '../../ports/object-store.ts'
import { at, etagFrom, ifMatchHeader, type S3Bucket, send } from './bucket.ts'
import { Absent } from './errors.ts'
import { metadataFrom } from './metadata.ts'
import { guardedWrite } from './outcome.ts'
import { headObject } from './reading.ts'

/** The port's `put`, believing that the server honours `when`. */
export async function putObject(
  bucket: S3Bucket,
  key: ObjectKey,
  body: Uint8Array,
  { signal, when, contentType, ...facts }: PutOptions,
): Promise<PutOutcome> {
  return guardedWrite(when !== 'always', async () => {
    const command = new PutObjectCommand({
      ...at(bucket, key),
      ...conditionHeaders(bucket, when),
      Body: body,
      ContentType: contentType,
      Metadata: metadataFrom(facts),
    })
    const { ETag } = await send(signal, (options) => bucket.client.send(command, options))
    return { outcome: 'applied', etag: await etagOfStored(bucket, key, { ETag, sizeBytes: body.byteLength, signal }) }
  })
}

export function conditionHeaders(bucket: S3Bucket, when: PutCondition) {
  if (when === 'always') return {}
  if (when === 'if-absent') return { IfNoneMatch: '*' }
  return { IfMatch: ifMatchHeader(bucket, when.ifMatch) }
}

/**
 * The version that a success has made. Asked for where the answer does not name it (Ceph 16 after a multipart upload), or
 * is not to be believed. Throws `StoreUnavailable` when the object is not to be seen: in its size, and by its name where
 * this server is known to give one name to one version.
 */
export async function etagOfStored(
  bucket: S3Bucket,
  key: ObjectKey,
  { ETag, sizeBytes, signal }: CallOptions & { ETag: string | undefined; sizeBytes: number },
): Promise<ETag> {
  const named = etagFrom(ETag)
  if (named !== undefined && !bucket.dialect.looksAfterPut) return named
  let cause: unknown
  // A look that fails is made once more: to repeat the write for it would cost more than a HEAD.
  for (let look = 0; look < 2; look++) {
    try {
      const meta = await headObject(bucket, key, { signal })
      if (named !== undefined && meta?.etag === named) bucket.learned.namesAgree = true
      const isOther = named !== undefined && meta?.etag !== named && bucket.learned.namesAgree
      if (meta?.sizeBytes === sizeBytes && !isOther) return meta.etag
      break
    } catch (error) {
      signal.throwIfAborted()
      cause = error
    }
  }
  throw new StoreUnavailable('what was stored is not to be seen', { cause })
}

/** The port's `delete`, believing that the server honours `ifMatch`. */
export async function deleteObject(
  bucket: S3Bucket,
  key: ObjectKey,
  { signal, ifMatch }: CallOptions & { ifMatch?: ETag },
): Promise<DeleteOutcome> {
  const conditional = ifMatch !== undefined
  return guardedWrite(conditional, async () => {
    const command = new DeleteObjectCommand({
      ...at(bucket, key),
      ...conditionHeaders(bucket, conditional ? { ifMatch } : 'always'),
    })
    try {
      // RunPod's proxy gives up on large files, which are deleted all the same.
      await send(signal, (options) => bucket.client.send(command, options), { goesOn: true })
    } catch (error) {
      if (conditional || !(error instanceof Absent)) throw error
    }
    return { outcome: 'applied' }
  })
}
