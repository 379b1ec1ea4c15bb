import { GetObjectCommand, UploadPartCommand } from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import type { ObjectKey } from '../../ports/object-key.ts'
import type { CallOptions } from '../../ports/object-store.ts'
import type { StoreFinding } from '../../ports/store-finding.ts'
import { at, type S3Bucket } from './bucket.ts'
import { storeError } from './errors.ts'
import { abortUpload, createUpload } from './multipart.ts'
import { putObject } from './writing.ts'

const linkSeconds = 60
const abortMs = 10_000

/** The statuses of the answers. */
export interface SignedUrlsSeen {
  readonly get: number
  /** A GET whose signature has one digit changed. */
  readonly tamperedGet: number
  readonly putPart: number
}

/** Nothing where the store does not serve signed URLs at all: that is said by its capabilities. */
export function signedUrlsFinding({ get, tamperedGet, putPart }: SignedUrlsSeen): StoreFinding[] {
  const check = 'signed URLs'
  if (get !== 200) return []
  const parts = putPart === 200 ? 'GET and PUT of a part' : `GET; PUT of a part answers ${putPart}`
  if (tamperedGet >= 400) return [{ check, verdict: 'works', detail: `${parts}; a changed signature is refused` }]
  return [
    {
      check,
      verdict: 'works',
      detail: `${parts}; a changed signature works as well`,
      fix: 'keep this store away from the internet: it checks no signature, whoever reaches it reads it',
    },
  ]
}

/** Seven requests. */
export async function lookAtSignedUrls(
  bucket: S3Bucket,
  key: ObjectKey,
  { signal }: CallOptions,
): Promise<SignedUrlsSeen> {
  await putObject(bucket, key, new TextEncoder().encode('signed'), {
    signal,
    when: 'always',
    contentType: 'text/plain',
  })
  const url = await getSignedUrl(bucket.client, new GetObjectCommand(at(bucket, key)), { expiresIn: linkSeconds })
  const get = await statusOf(url, { signal })
  const tamperedGet = await statusOf(tampered(url), { signal })
  return { get, tamperedGet, putPart: await putPartStatus(bucket, key, signal) }
}

async function putPartStatus(bucket: S3Bucket, key: ObjectKey, signal: AbortSignal): Promise<number> {
  const upload = await createUpload(bucket, key, { signal, contentType: 'text/plain' })
  try {
    const command = new UploadPartCommand({ ...at(bucket, key), UploadId: upload.uploadId, PartNumber: 1 })
    const url = await getSignedUrl(bucket.client, command, { expiresIn: linkSeconds })
    // Bytes, for which fetch names no type: Ceph 20 refuses a Content-Type that was not signed.
    return await statusOf(url, { signal, method: 'PUT', body: new Uint8Array(1) })
  } finally {
    await abortUpload(bucket, upload, { signal: AbortSignal.timeout(abortMs) }).catch(() => {})
  }
}

/** The same URL with the last digit of its signature changed. */
export function tampered(url: string): string {
  return url.replace(/(X-Amz-Signature=[0-9a-f]*)([0-9a-f])/, (_, before: string, last: string) =>
    last === '0' ? `${before}1` : `${before}0`,
  )
}

async function statusOf(url: string, request: RequestInit & { signal: AbortSignal }): Promise<number> {
  const answer = await fetch(url, { ...request, redirect: 'manual' }).catch((error: unknown) => {
    throw storeError(error, request.signal)
  })
  await answer.body?.cancel()
  return answer.status
}
