import { GetObjectCommand } from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import type { ObjectKey } from '../../ports/object-key.ts'
import type { S3Bucket } from './bucket.ts'
import { isClockFault, storeError } from './errors.ts'
import type { ObjectAnswer } from './object-fetch.ts'
import { readRefusal } from './refusal.ts'

type Signer = Awaited<ReturnType<S3Bucket['client']['config']['signer']>>

/** What is the same for all reads of a bucket: a value, so that any request may use it. */
interface Reading {
  readonly signer: Signer
  /** The URL of the bucket's folder of ours, as the SDK's rules have it for its endpoint, with a slash at its end. */
  readonly baseUrl: URL
}

const readings = new WeakMap<S3Bucket['learned'], Reading>()

/**
 * One GET or HEAD of an object. The SDK names the endpoint and signs; its commands, which cost several times what the request
 * costs, are left out: these are most of the calls there are. Status 200 or 206. Throws as `send` does.
 */
export async function signedRead(
  bucket: S3Bucket,
  key: ObjectKey,
  {
    method,
    headers,
    signal,
  }: { method: 'GET' | 'HEAD'; headers: Readonly<Record<string, string>>; signal: AbortSignal },
): Promise<ObjectAnswer> {
  signal.throwIfAborted()
  const { config } = bucket.client
  let answer: ObjectAnswer
  try {
    const { signer, baseUrl } = await readingOf(bucket)
    const path = baseUrl.pathname + encodedKey(key)
    const signed = await signer.sign(
      {
        method,
        protocol: baseUrl.protocol,
        hostname: baseUrl.hostname,
        ...(baseUrl.port !== '' && { port: Number(baseUrl.port) }),
        path,
        query: {},
        headers: { host: baseUrl.host, 'x-amz-content-sha256': hashOfNothing, ...headers },
      } as Parameters<Signer['sign']>[0],
      { signingDate: new Date(Date.now() + config.systemClockOffset) },
    )
    const { host: _named, ...sent } = signed.headers
    // Compression would take the length away.
    const headersSent = { 'accept-encoding': 'identity', ...sent }
    answer = await bucket.fetch(baseUrl.origin + path, { method, headers: headersSent, signal })
  } catch (error) {
    throw storeError(error, signal)
  }
  const date = answer.headers.get('date') ?? undefined
  bucket.storeClock?.saw(date)
  if (answer.status === 200 || answer.status === 206) return answer
  const refusal = await readRefusal(answer)
  // As the SDK does: the next request is signed by the server's clock, if it tells it.
  const serverMs = Date.parse(date ?? '')
  if (isClockFault(refusal) && !Number.isNaN(serverMs)) config.systemClockOffset = serverMs - Date.now()
  throw storeError(refusal, signal)
}

const hashOfNothing = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

async function readingOf(bucket: S3Bucket): Promise<Reading> {
  const known = readings.get(bucket.learned)
  if (known !== undefined) return known
  const { client, bucket: Bucket, base } = bucket
  const url = new URL(await getSignedUrl(client, new GetObjectCommand({ Bucket, Key: `${base}any` })))
  const baseUrl = new URL('.', `${url.origin}${url.pathname}`)
  const reading = { signer: await client.config.signer(), baseUrl }
  readings.set(bucket.learned, reading)
  return reading
}

/** As signature version 4 wants it (RFC 3986): also what `encodeURIComponent` leaves. */
function encodedKey(key: ObjectKey): string {
  return key.split('/').map(encoded).join('/')
}

const encoded = (segment: string): string =>
  encodeURIComponent(segment).replace(/[!'()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`)
