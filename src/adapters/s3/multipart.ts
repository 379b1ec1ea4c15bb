import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListPartsCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { InvalidParts, StoreMisbehaved, UploadNotFound } from '../../ports/errors.ts'
import type { ObjectKey } from '../../ports/object-key.ts'
import type {
  CallOptions,
  MultipartUpload,
  Part,
  PutCondition,
  PutOptions,
  PutOutcome,
} from '../../ports/object-store.ts'
import { at, etagFrom, quoted, type S3Bucket, send } from './bucket.ts'
import { Absent } from './errors.ts'
import { metadataFrom } from './metadata.ts'
import { guardedWrite } from './outcome.ts'
import { conditionHeaders, etagOfStored } from './writing.ts'

/** S3 gives 1,000 parts at once, of at most 10,000; others give fewer. */
const partPagesMax = 100

const uploadParameters = (bucket: S3Bucket, { key, uploadId }: MultipartUpload) => ({
  ...at(bucket, key),
  UploadId: uploadId,
})

export async function createUpload(
  bucket: S3Bucket,
  key: ObjectKey,
  { signal, contentType, ...facts }: Omit<PutOptions, 'when'>,
): Promise<MultipartUpload> {
  const command = new CreateMultipartUploadCommand({
    ...at(bucket, key),
    ContentType: contentType,
    Metadata: metadataFrom(facts),
  })
  const { UploadId } = await send(signal, (options) => bucket.client.send(command, options)).catch((error: unknown) => {
    throw error instanceof Absent
      ? new StoreMisbehaved('the store misses what nobody asked for', { cause: error })
      : error
  })
  if (UploadId === undefined) throw new StoreMisbehaved('the store opened an upload without a name')
  return { key, uploadId: UploadId }
}

export async function uploadPart(
  bucket: S3Bucket,
  upload: MultipartUpload,
  partNumber: number,
  body: Uint8Array,
  { signal }: CallOptions,
): Promise<Part> {
  const command = new UploadPartCommand({ ...uploadParameters(bucket, upload), PartNumber: partNumber, Body: body })
  const { ETag } = await send(signal, (options) => bucket.client.send(command, options)).catch(uploadMissing)
  const etag = etagFrom(ETag)
  if (etag === undefined) throw new StoreMisbehaved('the store does not name the part')
  return { partNumber, etag, sizeBytes: body.byteLength }
}

export async function listUploadedParts(
  bucket: S3Bucket,
  upload: MultipartUpload,
  { signal }: CallOptions,
): Promise<Part[]> {
  const parts: Part[] = []
  let marker: string | undefined
  for (let pages = 0; pages < partPagesMax; pages++) {
    const command = new ListPartsCommand({ ...uploadParameters(bucket, upload), PartNumberMarker: marker })
    const answer = await send(signal, (options) => bucket.client.send(command, options)).catch(uploadMissing)
    for (const { PartNumber, ETag, Size } of answer.Parts ?? []) {
      const etag = etagFrom(ETag)
      if (PartNumber !== undefined && etag !== undefined) {
        parts.push({ partNumber: PartNumber, etag, sizeBytes: Size ?? 0 })
      }
    }
    if (!answer.IsTruncated) return parts.sort((a, b) => a.partNumber - b.partNumber)
    marker = answer.NextPartNumberMarker
  }
  throw new StoreMisbehaved('the listing of parts does not end')
}

/** The port's `completeMultipart`, believing that the server honours `when`. */
export async function completeUpload(
  bucket: S3Bucket,
  upload: MultipartUpload,
  parts: readonly Part[],
  { signal, when }: CallOptions & { when: PutCondition },
): Promise<PutOutcome> {
  signal.throwIfAborted()
  if (parts.length === 0) throw new InvalidParts('an object needs at least one part')
  return guardedWrite(when !== 'always', async () => {
    const inOrder = [...parts].sort((a, b) => a.partNumber - b.partNumber)
    const command = new CompleteMultipartUploadCommand({
      ...uploadParameters(bucket, upload),
      ...conditionHeaders(bucket, when),
      MultipartUpload: { Parts: inOrder.map((part) => ({ PartNumber: part.partNumber, ETag: quoted(part.etag) })) },
    })
    const { ETag } = await send(signal, (options) => bucket.client.send(command, options), { goesOn: true })
    const sizeBytes = parts.reduce((sum, part) => sum + part.sizeBytes, 0)
    return { outcome: 'applied', etag: await etagOfStored(bucket, upload.key, { ETag, sizeBytes, signal }) }
  })
}

export async function abortUpload(bucket: S3Bucket, upload: MultipartUpload, { signal }: CallOptions): Promise<void> {
  const command = new AbortMultipartUploadCommand(uploadParameters(bucket, upload))
  try {
    await send(signal, (options) => bucket.client.send(command, options))
  } catch (error) {
    if (!(error instanceof UploadNotFound) && !(error instanceof Absent)) throw error
  }
}

/** Some servers (Ceph, for one) answer NoSuchKey where Amazon says NoSuchUpload. */
function uploadMissing(error: unknown): never {
  if (error instanceof Absent) throw new UploadNotFound('no such upload', { cause: error })
  throw error
}
