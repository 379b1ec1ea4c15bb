import { GetObjectCommand } from '@aws-sdk/client-s3'
import type { Clock } from '../../ports/clock.ts'
import type { ObjectKey } from '../../ports/object-key.ts'
import type { CallOptions } from '../../ports/object-store.ts'
import type { StoreFinding } from '../../ports/store-finding.ts'
import { at, type S3Bucket } from './bucket.ts'
import { Absent, storeError } from './errors.ts'

/** Worth a word long before anything fails. */
const notableSkewMs = 60_000

/** What came of a request for an object that does not exist. */
export interface AccessSeen {
  /** `undefined`: nobody answered. */
  readonly status: number | undefined
  /** The server's or the network's own name of the failure; empty when there is none. */
  readonly code: string
  /** Whether the server says that the object is absent, as it should. */
  readonly absent: boolean
  readonly message: string
  readonly durationMs: number
}

export function reachFinding({ status, code, message, durationMs }: AccessSeen): StoreFinding {
  const check = 'reach'
  if (status === undefined) return { check, verdict: 'broken', detail: message, fix: networkFix(code) }
  if (status >= 500 && !clockCodes.has(code)) {
    return { check, verdict: 'broken', detail: `answers ${status} ${code}`.trim(), fix: 'see whether the store is up' }
  }
  return { check, verdict: 'works', detail: `answers in ${Math.max(1, Math.round(durationMs))} ms` }
}

function networkFix(code: string): string {
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'check the host name of the endpoint, and the DNS'
  if (code === 'ECONNREFUSED') return 'start the store, or check the port of the endpoint'
  if (/CERT|TLS|SSL|SELF_SIGNED|VERIFY/.test(code)) return 'check the certificate, and http or https in the endpoint'
  return 'check the endpoint, the network and what stands in between'
}

const clockCodes = new Set(['RequestTimeTooSkewed', 'RequestExpired'])
const regionCodes = new Set([
  'AuthorizationHeaderMalformed',
  'PermanentRedirect',
  'TemporaryRedirect',
  'IllegalLocationConstraintException',
])

/** `undefined` when nobody could say: no answer, or one about the clock. */
export function credentialsFinding({ status, code, absent }: AccessSeen): StoreFinding | undefined {
  const check = 'credentials'
  if (absent) return { check, verdict: 'works', detail: 'accepted; the bucket is there' }
  if (status === undefined || status >= 500 || clockCodes.has(code)) return undefined
  const wrong = (fix: string): StoreFinding => ({
    check,
    verdict: 'broken',
    detail: `refused: ${status} ${code}`.trim(),
    fix,
  })
  if (code === 'NoSuchBucket') return wrong('check the name of the bucket, or create it')
  if (code === 'InvalidAccessKeyId') return wrong('check the access key id: the store does not know it')
  if (code === 'SignatureDoesNotMatch') return wrong('check the secret access key and the region')
  if (code === 'ExpiredToken' || code === 'InvalidToken') return wrong('renew the session token')
  if (regionCodes.has(code) || (status >= 300 && status < 400)) return wrong('check the region and the endpoint')
  if (status === 401 || status === 403) return wrong('let these credentials read, write, list and delete in the bucket')
  return wrong('check that the endpoint is that of an S3 API')
}

/** `skewMs` is how far our clock is ahead of the store's. */
export function clockFinding(
  skewMs: number,
  { uncertaintyMs, windowMs }: { uncertaintyMs: number; windowMs: number },
): StoreFinding {
  const check = 'clock'
  const offMs = Math.max(0, Math.abs(skewMs) - uncertaintyMs)
  if (offMs === 0) return { check, verdict: 'works', detail: "ours is the store's" }
  const detail = `ours is ${durationInWords(Math.abs(skewMs))} ${skewMs > 0 ? 'ahead of' : 'behind'} the store's`
  const fix = 'set the clock of this machine, by NTP'
  const minutes = Math.round(windowMs / 60_000)
  if (offMs > windowMs) return { check, verdict: 'broken', detail: `${detail}, which allows ${minutes} min`, fix }
  if (offMs > notableSkewMs) return { check, verdict: 'works', detail: `${detail}, which allows ${minutes} min`, fix }
  return { check, verdict: 'works', detail }
}

const durationInWords = (durationMs: number) =>
  durationMs < 120_000 ? `${Math.round(durationMs / 1000)} s` : `${Math.round(durationMs / 60_000)} min`

export interface Access extends AccessSeen {
  /** How far our clock is ahead of the store's, as far as it said. */
  readonly clock: { readonly skewMs: number; readonly uncertaintyMs: number } | undefined
}

/** One GET, and a second one when the first was refused for our clock: the SDK has learned the store's time by then. */
export async function lookAtAccess(
  bucket: S3Bucket,
  key: ObjectKey,
  options: CallOptions & { clock: Pick<Clock, 'nowMs'> },
): Promise<Access> {
  const first = await ask(bucket, key, options)
  if (!clockCodes.has(first.code)) return first
  return { ...(await ask(bucket, key, options)), clock: first.clock }
}

async function ask(
  bucket: S3Bucket,
  key: ObjectKey,
  { signal, clock }: CallOptions & { clock: Pick<Clock, 'nowMs'> },
): Promise<Access> {
  const sentAtMs = clock.nowMs()
  try {
    const found = await bucket.client.send(new GetObjectCommand(at(bucket, key)), { abortSignal: signal })
    await found.Body?.transformToWebStream().cancel()
    const durationMs = clock.nowMs() - sentAtMs
    // Nobody has written it; a server that finds it all the same lets us in.
    return { status: 200, code: '', absent: true, message: '', durationMs, clock: undefined }
  } catch (thrown) {
    signal.throwIfAborted()
    const durationMs = clock.nowMs() - sentAtMs
    const error = storeError(thrown, signal) as Error
    const { $metadata, $response, Code, name } = thrown as {
      $metadata?: { httpStatusCode?: number }
      $response?: { headers?: Record<string, string> }
      Code?: string
      name?: string
    }
    const status = $metadata?.httpStatusCode
    const network = /: ([A-Z_0-9]+)$/.exec(error.message)?.[1] ?? ''
    const code = status === undefined ? network : (Code ?? name ?? '')
    const storeMs = Date.parse($response?.headers?.date ?? '')
    return {
      status,
      code,
      absent: error instanceof Absent,
      message: error.message,
      durationMs,
      // The header has whole seconds, and may have been made anywhere between sending and receiving.
      clock: Number.isNaN(storeMs)
        ? undefined
        : { skewMs: sentAtMs + durationMs / 2 - storeMs - 500, uncertaintyMs: 500 + durationMs / 2 },
    }
  }
}
