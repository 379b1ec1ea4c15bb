import { GetObjectCommand, UploadPartCommand } from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import type { ObjectKey } from '../../ports/object-key.ts'
import type { CallOptions } from '../../ports/object-store.ts'
import type { StoreFinding } from '../../ports/store-finding.ts'
import { at, type S3Bucket } from './bucket.ts'
import { storeError } from './errors.ts'

const linkSeconds = 60

/** What a preflight said of one method. */
export interface PreflightSeen {
  readonly method: 'GET' | 'PUT'
  readonly status: number
  readonly allowOrigin: string | null
  readonly allowMethods: string | null
}

export function corsFinding(origin: string, preflights: readonly PreflightSeen[]): StoreFinding {
  const check = 'CORS'
  const refused = preflights.filter((seen) => !isAllowed(origin, seen)).map(({ method }) => method)
  if (refused.length === 0)
    return { check, verdict: 'works', detail: `pages of ${origin} may GET and PUT by signed URLs` }
  return {
    check,
    verdict: 'missing',
    detail: `pages of ${origin} may not ${refused.join(' or ')} by signed URLs`,
    instead: 'they read and write through the service; a link that a browser follows works all the same',
  }
}

/** As a browser judges: any success, the origin or all of them, and the method unless it is a simple one. */
function isAllowed(origin: string, { method, status, allowOrigin, allowMethods }: PreflightSeen): boolean {
  if (status < 200 || status > 299 || (allowOrigin !== origin && allowOrigin !== '*')) return false
  if (method === 'GET') return true
  const methods = (allowMethods ?? '').split(',').map((one) => one.trim().toUpperCase())
  return methods.includes(method) || methods.includes('*')
}

/** Two preflights, as a browser would send them. */
export async function examineCors(
  bucket: S3Bucket,
  key: ObjectKey,
  { signal, origin }: CallOptions & { origin: string },
): Promise<StoreFinding[]> {
  const get = new GetObjectCommand(at(bucket, key))
  const put = new UploadPartCommand({ ...at(bucket, key), UploadId: 'none', PartNumber: 1 })
  const urls = [
    ['GET', await getSignedUrl(bucket.client, get, { expiresIn: linkSeconds })],
    ['PUT', await getSignedUrl(bucket.client, put, { expiresIn: linkSeconds })],
  ] as const
  const seen: PreflightSeen[] = []
  for (const [method, url] of urls) {
    const answer = await fetch(url, {
      method: 'OPTIONS',
      headers: { Origin: origin, 'Access-Control-Request-Method': method },
      redirect: 'manual',
      signal,
    }).catch((error: unknown) => {
      throw storeError(error, signal)
    })
    await answer.body?.cancel()
    seen.push({
      method,
      status: answer.status,
      allowOrigin: answer.headers.get('access-control-allow-origin'),
      allowMethods: answer.headers.get('access-control-allow-methods'),
    })
  }
  return [corsFinding(origin, seen)]
}
