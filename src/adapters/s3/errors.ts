import {
  CodedError,
  InvalidParts,
  PreconditionFailed,
  StoreDenied,
  StoreFull,
  StoreMisbehaved,
  StoreUnavailable,
  UnsupportedByStore,
  UploadNotFound,
} from '../../ports/errors.ts'
import { networkFailure } from './network-failure.ts'

/** There is no such object. Stays inside the adapter: the port says `undefined` or `rejected`. */
export class Absent extends CodedError {
  readonly code = 'absent'
}

/** The range begins behind the end. Stays inside the adapter, which finds out the size where the server did not say. */
export class RangeRefused extends CodedError {
  readonly code = 'range-refused'
  readonly sizeBytes: number | undefined

  constructor(sizeBytes: number | undefined, options: { cause: unknown }) {
    super('the range begins behind the end', options)
    this.sizeBytes = sizeBytes
  }
}

/** As much of an answer as the SDK could read. Its error names and messages depend on the body, so the status comes first. */
interface Answer {
  readonly status: number
  readonly code: string
  readonly message: string
  readonly headers: Readonly<Record<string, string>>
  readonly cause: unknown
}

/**
 * The one translation of what the SDK throws into the port's words; total. A caller who has gone comes first: his abort
 * looks like a network failure.
 */
export function storeError(error: unknown, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason
  if (error instanceof CodedError) return error
  const answer = answerIn(error)
  return answer === undefined ? networkFailure(error) : byStatus(answer)
}

function byStatus(answer: Answer): CodedError {
  const { status, code, message, cause } = answer
  if (status >= 200 && status < 300) return unreadable(answer)
  if (status === 507 || fullCodes.has(code) || /ENOSPC|no space left/i.test(message)) {
    return new StoreFull('the store has no space left', { cause })
  }
  switch (status) {
    case 400:
      return badRequest(answer)
    case 401:
    case 403:
      // The SDK has corrected its clock by this answer, so the next attempt may do.
      if (clockCodes.has(code)) return unavailable(answer, 'never-sent')
      return denied(answer)
    case 404:
      if (code === 'NoSuchUpload') return new UploadNotFound('no such upload', { cause })
      if (code === 'NoSuchBucket') return denied(answer)
      return new Absent('no such object', { cause })
    case 405:
    case 501:
      return new UnsupportedByStore(code === '' ? 'this request' : code)
    case 408:
      return unavailable(answer, 'maybe-sent')
    case 409:
    case 412:
      return new PreconditionFailed('another version is stored', { cause })
    case 416:
      return new RangeRefused(sizeIn(answer), { cause })
    case 429:
      return unavailable(answer, 'never-sent')
    default:
      // Throttling refuses before it does anything; every other 5xx may come from a proxy whose origin went on.
      if (status >= 500) return unavailable(answer, throttleCodes.has(code) ? 'never-sent' : 'maybe-sent')
      return denied(answer)
  }
}

function badRequest(answer: Answer): CodedError {
  const { code, message, cause } = answer
  if (partCodes.has(code)) return new InvalidParts(`the parts do not fit together: ${code}`, { cause })
  if (code === 'RequestTimeout') return unavailable(answer, 'maybe-sent')
  if (damageCodes.has(code)) return unavailable(answer, 'never-sent')
  // RunPod is reported to say so instead of 404.
  if (code === 'InvalidArgument' && /not found/i.test(message)) return new Absent('no such object', { cause })
  return denied(answer)
}

const fullCodes = new Set(['QuotaExceeded', 'XMinioStorageFull', 'InsufficientStorage', 'InsufficientCapacity'])
const clockCodes = new Set(['RequestTimeTooSkewed', 'RequestExpired'])
const throttleCodes = new Set(['SlowDown', 'SlowDownRead', 'SlowDownWrite', 'ThrottlingException', 'TooManyRequests'])
const partCodes = new Set(['InvalidPart', 'InvalidPartOrder', 'EntityTooSmall'])
/** The bytes were damaged on their way and refused as a whole. */
const damageCodes = new Set(['BadDigest', 'XAmzContentSHA256Mismatch', 'IncompleteBody'])

const denied = ({ status, code, cause }: Answer) =>
  new StoreDenied(`the store refused: ${status} ${code}`.trimEnd(), { cause })

function unavailable({ status, code, headers, cause }: Answer, effect: 'never-sent' | 'maybe-sent'): StoreUnavailable {
  const seconds = Number(headers['retry-after'] ?? Number.NaN)
  return new StoreUnavailable(`the store answered ${status} ${code}`.trimEnd(), {
    cause,
    effect,
    retryAfterMs: seconds >= 0 ? seconds * 1000 : undefined,
  })
}

/** A success whose body made no sense: a document cut short comes right the next time, a wrong one does not. */
function unreadable({ status, message, cause }: Answer): CodedError {
  if (message.includes('XML parse error')) {
    return new StoreUnavailable(`the store answered ${status} and half a document`, { cause })
  }
  return new StoreMisbehaved(`the store answered ${status} and something unreadable`, { cause })
}

function sizeIn({ headers }: Answer): number | undefined {
  const size = /^bytes \*\/(\d+)$/.exec(headers['content-range'] ?? '')?.[1]
  return size === undefined ? undefined : Number(size)
}

function answerIn(error: unknown): Answer | undefined {
  const { $metadata, $response, Code, name, message } = error as {
    $metadata?: { httpStatusCode?: number }
    $response?: { headers?: Record<string, string> }
    Code?: string
    name?: string
    message?: string
  }
  const status = $metadata?.httpStatusCode
  if (status === undefined) return undefined
  return { status, code: Code ?? name ?? '', message: message ?? '', headers: $response?.headers ?? {}, cause: error }
}
