import type { R2Object } from '@cloudflare/workers-types'
import type { ObjectKey } from '../../ports/object-key.ts'
import type { Checksums, ETag, ListedObject, ObjectMeta, PutOptions } from '../../ports/object-store.ts'

/** How content type, checksums and attributes lie in R2's metadata. */
export function writtenMetadata({
  contentType,
  checksums,
  attributes,
}: Pick<PutOptions, 'contentType' | 'checksums' | 'attributes'>) {
  return { httpMetadata: { contentType }, customMetadata: { ...attributes, ...checksums } }
}

export function listedObject(key: ObjectKey, { size, etag, uploaded }: R2Object): ListedObject {
  return { key, sizeBytes: size, etag: etag as ETag, lastModified: uploaded }
}

export function objectMeta(key: ObjectKey, object: R2Object): ObjectMeta {
  const { crc32, sha256, ...attributes } = object.customMetadata ?? {}
  return {
    ...listedObject(key, object),
    contentType: object.httpMetadata?.contentType ?? 'application/octet-stream',
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
