import type { GetObjectCommandOutput, HeadObjectCommandOutput } from '@aws-sdk/client-s3'
import { StoreMisbehaved } from '../../ports/errors.ts'
import type { ObjectKey } from '../../ports/object-key.ts'
import type { Checksums, ObjectMeta, PutOptions } from '../../ports/object-store.ts'
import { etagFrom } from './bucket.ts'

/** As `x-amz-meta-crc32`, `x-amz-meta-sha256` and `x-amz-meta-{attribute}`: S3 itself keeps no SHA-256 on older servers. */
export function metadataFrom({ checksums, attributes }: Pick<PutOptions, 'checksums' | 'attributes'>) {
  return { ...attributes, ...checksums }
}

/** `sizeBytes` is the whole object's; a ranged answer speaks of the range only. */
export function objectMeta(
  key: ObjectKey,
  answer: GetObjectCommandOutput | HeadObjectCommandOutput,
  sizeBytes: number,
): ObjectMeta {
  const { crc32, sha256, ...attributes } = answer.Metadata ?? {}
  const etag = etagFrom(answer.ETag)
  if (etag === undefined) throw new StoreMisbehaved('the store names no version')
  return {
    key,
    sizeBytes,
    etag,
    lastModified: answer.LastModified ?? new Date(0),
    contentType: answer.ContentType ?? 'application/octet-stream',
    checksums: checksumsFrom(crc32, sha256),
    attributes,
  }
}

/** Only a complete and well-formed pair; foreign writers use the same names for other things. */
function checksumsFrom(crc32: string | undefined, sha256: string | undefined): Checksums | undefined {
  if (crc32 === undefined || sha256 === undefined) return undefined
  if (!/^[0-9a-f]{8}$/.test(crc32) || !/^[0-9a-f]{64}$/.test(sha256)) return undefined
  return { crc32, sha256 }
}
