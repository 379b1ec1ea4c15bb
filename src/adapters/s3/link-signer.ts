import { GetObjectCommand, type S3Client, UploadPartCommand } from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import type { Clock } from '../../ports/clock.ts'
import { contentDisposition } from '../../ports/content-disposition.ts'
import { UnsupportedByStore } from '../../ports/errors.ts'
import type { LinkSigner } from '../../ports/link-signer.ts'
import { parseObjectKey } from '../../ports/object-key.ts'
import type { MultipartUpload } from '../../ports/object-store.ts'
import { baseOf } from './bucket.ts'

/** Signature version 4 knows no longer links. */
export const linkSecondsMax = 7 * 24 * 60 * 60

export interface S3Links {
  /** From `createS3Client`, with the endpoint under which browsers reach the store. */
  readonly client: S3Client
  readonly bucket: string
  /** As given to `createS3ObjectStore`. */
  readonly prefix: string
  readonly clock: Pick<Clock, 'nowMs'>
}

/**
 * The store's own signed URLs, for objects only: an export's bytes lie nowhere until we make them. S3 signs the method
 * too, so other than our own links these are good for GET (with ranges) and not for HEAD.
 */
export function createS3LinkSigner({ client, bucket, prefix, clock }: S3Links): LinkSigner {
  return {
    async sign({ purpose, subject, expiresAt, disposition, filename }) {
      if (purpose !== 'object') throw new UnsupportedByStore(`links to an ${purpose}`)
      const command = new GetObjectCommand({
        Bucket: bucket,
        Key: baseOf(prefix) + parseObjectKey(subject),
        ResponseContentDisposition: contentDisposition(disposition, filename),
      })
      return getSignedUrl(client, command, validity(expiresAt, clock.nowMs()))
    },
  }
}

/** The URL to which the bytes of one part are PUT, by somebody without credentials. The part's ETag is in the answer. */
export function signPartUpload(
  { client, bucket, prefix, clock }: S3Links,
  { key, uploadId }: MultipartUpload,
  { partNumber, expiresAt }: { partNumber: number; expiresAt: Date },
): Promise<string> {
  const command = new UploadPartCommand({
    Bucket: bucket,
    Key: baseOf(prefix) + key,
    UploadId: uploadId,
    PartNumber: partNumber,
  })
  return getSignedUrl(client, command, validity(expiresAt, clock.nowMs()))
}

/** Signed as of now, or as of just before `expiresAt` where that is past: such a link is over, and not malformed. */
function validity(expiresAt: Date, nowMs: number): { signingDate: Date; expiresIn: number } {
  const endSeconds = Math.floor(expiresAt.getTime() / 1000)
  const startSeconds = Math.min(Math.floor(nowMs / 1000), endSeconds - 1)
  const expiresIn = endSeconds - startSeconds
  if (expiresIn > linkSecondsMax) throw new UnsupportedByStore('links for more than seven days')
  return { signingDate: new Date(startSeconds * 1000), expiresIn }
}
