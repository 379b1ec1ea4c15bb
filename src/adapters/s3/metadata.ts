import { StoreMisbehaved } from '../../ports/errors.ts'
import type { ObjectKey } from '../../ports/object-key.ts'
import type { Checksums, ObjectMeta, PutOptions } from '../../ports/object-store.ts'
import { etagFrom } from './bucket.ts'

/** As `x-amz-meta-crc32`, `x-amz-meta-sha256` and `x-amz-meta-{attribute}`: S3 itself keeps no SHA-256 on older servers. */
export function metadataFrom({ checksums, attributes }: Pick<PutOptions, 'checksums' | 'attributes'>) {
  return { ...attributes, ...checksums }
}

/** `sizeBytes` is the whole object's; a ranged answer speaks of the range only. */
export function objectMeta(key: ObjectKey, headers: Headers, sizeBytes: number): ObjectMeta {
  const { crc32, sha256, ...attributes } = metadataIn(headers)
  const etag = etagFrom(headers.get('etag') ?? undefined)
  if (etag === undefined) throw new StoreMisbehaved('the store names no version')
  return {
    key,
    sizeBytes,
    etag,
    lastModified: dateIn(headers),
    contentType: headers.get('content-type') ?? 'application/octet-stream',
    checksums: checksumsFrom(crc32, sha256),
    attributes,
  }
}

function metadataIn(headers: Headers): Record<string, string> {
  const marked = [...headers].filter(([name]) => name.startsWith('x-amz-meta-'))
  return Object.fromEntries(marked.map(([name, value]) => [name.slice('x-amz-meta-'.length), value]))
}

/** RunPod is reported to send `… UTC` in place of `… GMT`, which is read as well. */
function dateIn(headers: Headers): Date {
  const at = new Date(headers.get('last-modified') ?? 0)
  return Number.isNaN(at.getTime()) ? new Date(0) : at
}

/** Only a complete and well-formed pair; foreign writers use the same names for other things. */
function checksumsFrom(crc32: string | undefined, sha256: string | undefined): Checksums | undefined {
  if (crc32 === undefined || sha256 === undefined) return undefined
  if (!/^[0-9a-f]{8}$/.test(crc32) || !/^[0-9a-f]{64}$/.test(sha256)) return undefined
  return { crc32, sha256 }
}
