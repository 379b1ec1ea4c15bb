import { createHash, createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto'
import { headerOf, isPresigned, parameter, type RequestHead, type S3Request } from './request.ts'
import { S3Error } from './s3-error.ts'

export interface Account {
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

export interface SignatureRules {
  readonly account: Account
  readonly region: string
  readonly regionChecked: boolean
  readonly presigned: boolean
  readonly clockWindowMs: number
  readonly nowMs: number
}

/** What a signature says about itself, wherever it was written. */
interface Claim {
  readonly accessKeyId: string
  readonly day: string
  readonly region: string
  readonly signedHeaders: readonly string[]
  readonly signature: string
  /** `YYYYMMDDTHHMMSSZ`. */
  readonly time: string
  readonly payloadHash: string
}

const algorithm = 'AWS4-HMAC-SHA256'
const unsigned = 'UNSIGNED-PAYLOAD'
const linkSecondsMax = 7 * 24 * 60 * 60

/** Signature version 4, by header or by query. Throws what Amazon answers when it is missing, wrong or out of time. */
export function checkSignature(request: S3Request, rules: SignatureRules): void {
  const presigned = isPresigned(request)
  if (!rules.presigned && request.headers.authorization === undefined) {
    throw new S3Error(401, 'AccessDenied', 'missing Authorization header')
  }
  if (!presigned && request.headers.authorization === undefined) throw accessDenied('Access Denied')
  const claim = presigned ? claimInQuery(request, rules) : claimInHeader(request, rules)
  if (claim.accessKeyId !== rules.account.accessKeyId) {
    throw new S3Error(403, 'InvalidAccessKeyId', 'The AWS Access Key Id you provided does not exist in our records.', {
      details: { AWSAccessKeyId: claim.accessKeyId },
    })
  }
  demandSignedHeaders(request, claim)
  const canonical = canonicalRequest(request, claim)
  const scope = `${claim.day}/${claim.region}/s3/aws4_request`
  const stringToSign = [algorithm, claim.time, scope, sha256(canonical)].join('\n')
  const expected = hmac(signingKey(rules.account.secretAccessKey, claim), stringToSign)
  const given = Buffer.from(claim.signature, 'hex')
  if (given.byteLength !== expected.byteLength || !timingSafeEqual(given, expected)) {
    throw new S3Error(
      403,
      'SignatureDoesNotMatch',
      'The request signature we calculated does not match the signature you provided. Check your key and signing method.',
      { details: { StringToSign: stringToSign, SignatureProvided: claim.signature, CanonicalRequest: canonical } },
    )
  }
  if (claim.payloadHash !== unsigned) checkPayload(request.body, claim.payloadHash)
}

function claimInHeader(request: S3Request, rules: SignatureRules): Claim {
  const { authorization = '' } = request.headers
  const malformed = (message: string, details = {}) =>
    new S3Error(400, 'AuthorizationHeaderMalformed', message, { details })
  const fields = new Map<string, string>()
  if (!authorization.startsWith(`${algorithm} `)) {
    throw new S3Error(
      400,
      'InvalidRequest',
      `The authorization mechanism you have provided is not supported. Please use ${algorithm}.`,
    )
  }
  for (const field of authorization.slice(algorithm.length).split(',')) {
    const [name = '', value = ''] = field.trim().split(/=(.*)/s)
    fields.set(name, value)
  }
  const credential = fields.get('Credential')
  const signedHeaders = fields.get('SignedHeaders')
  const signature = fields.get('Signature')
  if (credential === undefined || signedHeaders === undefined || signature === undefined) {
    throw malformed(
      'The authorization header is malformed; the authorization header requires three components: Credential, SignedHeaders, and Signature.',
    )
  }
  const time = headerOf(request, 'x-amz-date')
  if (time === undefined) throw accessDenied('AWS authentication requires a valid Date or x-amz-date header')
  const payloadHash = headerOf(request, 'x-amz-content-sha256')
  if (payloadHash === undefined) {
    throw new S3Error(400, 'InvalidRequest', 'Missing required header for this request: x-amz-content-sha256')
  }
  const skewMs = Math.abs(timeMs(time) - rules.nowMs)
  if (!(skewMs <= rules.clockWindowMs)) {
    throw new S3Error(
      403,
      'RequestTimeTooSkewed',
      'The difference between the request time and the current time is too large.',
      {
        details: {
          RequestTime: time,
          ServerTime: new Date(rules.nowMs).toISOString(),
          MaxAllowedSkewMilliseconds: String(rules.clockWindowMs),
        },
      },
    )
  }
  const scope = parseScope(credential, time, rules, (fault, details) =>
    malformed(`The authorization header is malformed; ${fault}`, details),
  )
  return { ...scope, signedHeaders: signedHeaders.split(';'), signature, time, payloadHash }
}

function claimInQuery(request: S3Request, rules: SignatureRules): Claim {
  const malformed = (message: string, details = {}) =>
    new S3Error(400, 'AuthorizationQueryParametersError', message, { details })
  const demanded = (name: string) => {
    const value = parameter(request, name)
    if (value === undefined) {
      throw malformed(
        'Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.',
      )
    }
    return value
  }
  if (request.headers.authorization !== undefined) {
    throw new S3Error(400, 'InvalidArgument', 'Only one auth mechanism allowed')
  }
  if (demanded('X-Amz-Algorithm') !== algorithm) throw malformed(`X-Amz-Algorithm only supports "${algorithm}"`)
  const credential = demanded('X-Amz-Credential')
  const signature = demanded('X-Amz-Signature')
  const signedHeaders = demanded('X-Amz-SignedHeaders').split(';')
  const time = demanded('X-Amz-Date')
  const seconds = demanded('X-Amz-Expires')
  if (!/^\d+$/.test(seconds)) throw malformed('X-Amz-Expires should be a number')
  if (Number(seconds) > linkSecondsMax)
    throw malformed('X-Amz-Expires must be less than a week (in seconds) that is 604800')
  const startMs = timeMs(time)
  if (Number.isNaN(startMs)) throw malformed("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"")
  if (startMs > rules.nowMs + rules.clockWindowMs) throw accessDenied('Request is not valid yet')
  const endMs = startMs + Number(seconds) * 1000
  if (rules.nowMs > endMs) {
    throw accessDenied('Request has expired', {
      'X-Amz-Expires': seconds,
      Expires: new Date(endMs).toISOString(),
      ServerTime: new Date(rules.nowMs).toISOString(),
    })
  }
  const scope = parseScope(credential, time, rules, (fault, details) =>
    malformed(`Error parsing the X-Amz-Credential parameter; ${fault}`, details),
  )
  const payloadHash = headerOf(request, 'x-amz-content-sha256') ?? unsigned
  return { ...scope, signedHeaders, signature, time, payloadHash }
}

function parseScope(
  credential: string,
  time: string,
  { region, regionChecked }: SignatureRules,
  malformed: (fault: string, details?: Record<string, string>) => S3Error,
) {
  const parts = credential.split('/')
  const [day = '', given = '', service, end] = parts.slice(-4)
  const accessKeyId = parts.slice(0, -4).join('/')
  if (parts.length < 5 || end !== 'aws4_request') {
    throw malformed('the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".')
  }
  if (service !== 's3') throw malformed(`incorrect service "${service}". This endpoint belongs to "s3".`)
  if (regionChecked && given !== region) {
    throw malformed(`the region '${given}' is wrong; expecting '${region}'`, { Region: region })
  }
  if (day !== time.slice(0, 8))
    throw malformed(`Invalid credential date "${day}". This date is not the same as X-Amz-Date: "${time.slice(0, 8)}".`)
  return { accessKeyId, day, region: given }
}

/** Amazon: the host and every `x-amz-` header that is there. */
function demandSignedHeaders({ headers }: RequestHead, { signedHeaders }: Claim): void {
  const demanded = ['host', ...Object.keys(headers).filter((name) => name.startsWith('x-amz-'))]
  const missing = demanded.filter((name) => !signedHeaders.includes(name))
  if (missing.length === 0) return
  throw accessDenied('There were headers present in the request which were not signed', {
    HeadersNotSigned: missing.join(', '),
  })
}

function canonicalRequest(request: RequestHead, { signedHeaders, payloadHash }: Claim): string {
  const { method, rawPath, query, headers } = request
  const path = rawPath
    .split('/')
    .map((segment) => encoded(decodeURIComponent(segment)))
    .join('/')
  const pairs = query
    .filter(([name]) => name !== 'X-Amz-Signature')
    .map(([name, value]) => [encoded(name), encoded(value)] as const)
    .sort(([a, x], [b, y]) => byCodeUnits(a, b) || byCodeUnits(x, y))
    .map(([name, value]) => `${name}=${value}`)
  const lines = signedHeaders.map((name) => `${name}:${canonicalValue(headers[name])}\n`)
  return [method, path, pairs.join('&'), lines.join(''), signedHeaders.join(';'), payloadHash].join('\n')
}

const canonicalValue = (value: string | string[] | undefined): string =>
  (Array.isArray(value) ? value.join(',') : (value ?? '')).trim().replace(/ +/g, ' ')

function checkPayload(body: Uint8Array, claimed: string): void {
  if (claimed.startsWith('STREAMING-'))
    throw new S3Error(501, 'NotImplemented', `This server does not take ${claimed}.`)
  if (!/^[0-9a-f]{64}$/.test(claimed)) {
    throw new S3Error(
      400,
      'InvalidArgument',
      'x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, or a valid sha256 value.',
    )
  }
  const computed = sha256(body)
  if (computed === claimed) return
  throw new S3Error(
    400,
    'XAmzContentSHA256Mismatch',
    "The provided 'x-amz-content-sha256' header does not match what was computed.",
    {
      details: { ClientComputedContentSHA256: claimed, S3ComputedContentSHA256: computed },
    },
  )
}

let lastKey: { readonly of: string; readonly key: KeyObject } | undefined

/** The same all day, so the last one is kept; and as an object, because for bare bytes Node throws and catches twice. */
function signingKey(secret: string, { day, region }: Claim): KeyObject {
  const of = JSON.stringify([secret, day, region])
  if (lastKey?.of !== of) {
    const parts = [day, region, 's3', 'aws4_request']
    const bytes = parts.reduce<Uint8Array>((key, part) => hmac(key, part), Buffer.from(`AWS4${secret}`))
    lastKey = { of, key: createSecretKey(bytes) }
  }
  return lastKey.key
}

const hmac = (key: Uint8Array | KeyObject, text: string): Buffer => createHmac('sha256', key).update(text).digest()
const sha256 = (content: string | Uint8Array): string => createHash('sha256').update(content).digest('hex')
const byCodeUnits = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** RFC 3986: everything but letters, digits and `-_.~`. */
const encoded = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)

/** NaN when it is no time. */
function timeMs(time: string): number {
  const [, year, month, day, hour, minute, second] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(time) ?? []
  return Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
}

const accessDenied = (message: string, details: Record<string, string> = {}) =>
  new S3Error(403, 'AccessDenied', message, { details })
