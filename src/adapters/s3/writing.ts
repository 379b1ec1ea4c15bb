import { DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { StoreMisbehaved, StoreUnavailable } from '../../ports/errors.ts'
import type { ObjectKey } from '../../ports/object-key.ts'
import type {
  CallOptions,
  DeleteOutcome,
  ETag,
  PutCondition,
  PutOptions,
  PutOutcome,
} from '../../ports/object-store.ts'
import { at, etagFrom, quoted, type S3Bucket, send } from './bucket.ts'
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
    return { outcome: 'applied', etag: etagFrom(ETag) ?? (await etagNow(bucket, key, signal)) }
  })
}

export function conditionHeaders({ quotedConditions }: S3Bucket, when: PutCondition) {
  if (when === 'always') return {}
  if (when === 'if-absent') return { IfNoneMatch: '*' }
  return { IfMatch: quotedConditions ? quoted(when.ifMatch) : when.ifMatch }
}

/** For servers that do not name what they have just stored, as Ceph 16 after a multipart upload. */
export async function etagNow(bucket: S3Bucket, key: ObjectKey, signal: AbortSignal): Promise<ETag> {
  try {
    const meta = await headObject(bucket, key, { signal })
    if (meta !== undefined) return meta.etag
    throw new StoreMisbehaved('what was stored is not there')
  } catch (cause) {
    signal.throwIfAborted()
    throw new StoreUnavailable('what was stored could not be looked at', { cause })
  }
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
      await send(signal, (options) => bucket.client.send(command, options))
    } catch (error) {
      if (conditional || !(error instanceof Absent)) throw error
    }
    return { outcome: 'applied' }
  })
}
