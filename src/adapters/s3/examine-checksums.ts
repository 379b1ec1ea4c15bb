import { PutObjectCommand, type PutObjectCommandInput } from '@aws-sdk/client-s3'
import { CodedError, StoreUnavailable } from '../../ports/errors.ts'
import type { ObjectKey } from '../../ports/object-key.ts'
import type { CallOptions } from '../../ports/object-store.ts'
import type { StoreFinding } from '../../ports/store-finding.ts'
import { at, type S3Bucket, send } from './bucket.ts'

const body = new TextEncoder().encode('not what was announced')

/** Whether a body that does not fit what its headers say was refused. */
export interface ChecksumsSeen {
  readonly sha256: boolean
  readonly md5: boolean
  readonly crc32: boolean
}

/** What we send always carries a signed SHA-256, so that one decides. */
export function checksumsFinding(
  { sha256, md5, crc32 }: ChecksumsSeen,
  { encrypted }: { encrypted: boolean },
): StoreFinding {
  const check = 'checksums'
  const named = { 'x-amz-content-sha256': sha256, 'Content-MD5': md5, 'x-amz-checksum-crc32': crc32 }
  const names = (checked: boolean) =>
    Object.entries(named).flatMap(([name, refused]) => (refused === checked ? name : []))
  const ignored = names(false).length === 0 ? '' : `; ignored: ${names(false).join(', ')}`
  if (sha256)
    return { check, verdict: 'works', detail: `damaged bodies are refused by ${names(true).join(', ')}${ignored}` }
  return {
    check,
    verdict: 'missing',
    detail: `a body damaged on its way is stored${ignored}`,
    instead: 'checksums computed on upload are kept beside each object and travel in exports',
    ...(!encrypted && { fix: 'reach the store by https, which guards the bytes on their way' }),
  }
}

/** Three PUTs of a few bytes, each of which should be refused. */
export async function examineChecksums(
  bucket: S3Bucket,
  key: (name: string) => ObjectKey,
  { signal, encrypted }: CallOptions & { encrypted: boolean },
): Promise<StoreFinding[]> {
  const seen = {
    sha256: await isRefused(bucket, key('wrong-sha256'), {}, { signal, contentSha256: '0'.repeat(64) }),
    md5: await isRefused(bucket, key('wrong-md5'), { ContentMD5: btoa('\0'.repeat(16)) }, { signal }),
    // Ceph looks at the checksum only when the algorithm is named beside it.
    crc32: await isRefused(
      bucket,
      key('wrong-crc32'),
      { ChecksumAlgorithm: 'CRC32', ChecksumCRC32: 'AAAAAA==' },
      { signal },
    ),
  }
  return [checksumsFinding(seen, { encrypted })]
}

async function isRefused(
  bucket: S3Bucket,
  key: ObjectKey,
  announced: Partial<PutObjectCommandInput>,
  { signal, contentSha256 }: CallOptions & { contentSha256?: string },
): Promise<boolean> {
  const command = new PutObjectCommand({ ...at(bucket, key), Body: body, ...announced })
  if (contentSha256 !== undefined) {
    command.middlewareStack.add(
      (next) => (args) => {
        // Signed as it stands: the signer computes it only where it is not given.
        const { headers } = args.request as { headers: Record<string, string> }
        headers['x-amz-content-sha256'] = contentSha256
        return next(args)
      },
      { step: 'build', name: 'wrongContentSha256' },
    )
  }
  try {
    await send(signal, (options) => bucket.client.send(command, options))
    return false
  } catch (error) {
    signal.throwIfAborted()
    // A damaged body is for trying again, and so `never-sent`; anything else that is unavailable is no answer.
    if (error instanceof StoreUnavailable && error.effect !== 'never-sent') throw error
    if (error instanceof CodedError) return true
    throw error
  }
}
