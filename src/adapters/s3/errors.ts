import {
  CodedError,
  type FailureFacts,
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
import { retryAfterMs } from './retry-after.ts'

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

/** The request as such was refused (400), perhaps for a form that this server does not take. To the port it is denied. */
export class RequestRefused extends StoreDenied {}

/**
 * A 403 that does not say why in S3's words: from a proxy before the store, whose rules come and go, or to a HEAD, which
 * has no words at all. Says nothing about our credentials.
 */
export class RefusedWithoutReason extends StoreUnavailable {}

/** Somebody else is writing the same key just now (409). Nothing was changed. */
export class WriteConflict extends StoreUnavailable {}

/** The server is well, and does not let us do this, or does not know it. */
export const isRefusal = (error: unknown): boolean =>
  error instanceof StoreDenied || error instanceof RefusedWithoutReason || error instanceof UnsupportedByStore

/** As much of an answer as the SDK could read. Its error names and messages depend on the body, so the status comes first. */
interface Answer {
  readonly status: number
  /** S3's own word for what is wrong; empty where the body is not S3's. */
  readonly code: string
  readonly message: string
  readonly headers: Readonly<Record<string, string>>
  readonly cause: unknown
}

/**
 * The one translation of what the SDK throws into the port's words; total. By status, then by S3's code, never by the
 * SDK's names. A caller who has gone comes first: his abort looks like a network failure. `goesOn`: the server finishes
 * such a request also when a proxy has given up waiting for it, so that a time-out says nothing about its health.
 */
export function storeError(error: unknown, signal: AbortSignal, { goesOn = false } = {}): unknown {
  if (signal.aborted) return signal.reason
  if (error instanceof CodedError) return error
  const answer = answerIn(error)
  if (answer === undefined) return networkFailure(error)
  if (goesOn && answer.status === 524) return unavailable(answer, { blame: 'request' })
  return byStatus(answer)
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
      return denied(answer)
    case 403:
      return forbidden(answer)
    case 404:
      if (code === 'NoSuchUpload') return new UploadNotFound('no such upload', { cause })
      if (code === 'NoSuchBucket') return denied(answer)
      return new Absent('no such object', { cause })
    case 405:
    case 501:
      return new UnsupportedByStore(code === '' ? 'this request' : code)
    case 408:
      return unavailable(answer, { blame: 'request' })
    case 409:
      return new WriteConflict(said(answer), { cause, effect: 'never-sent', blame: 'request' })
    case 412:
      return new PreconditionFailed('another version is stored', { cause })
    case 413:
      return new StoreDenied('the store, or a proxy before it, takes no body of this size', { cause })
    case 416:
      return new RangeRefused(sizeIn(answer), { cause })
    case 429:
      return unavailable(answer, throttled)
    default:
      if (status < 500) return denied(answer)
      // Throttling refuses before it does anything; every other 5xx may come from a proxy whose origin went on.
      return unavailable(answer, throttleCodes.has(code) ? throttled : {})
  }
}

function badRequest(answer: Answer): CodedError {
  const { code, message, cause } = answer
  if (brokeOff(answer)) return networkFailure(cause)
  if (partCodes.has(code)) return new InvalidParts(`the parts do not fit together: ${code}`, { cause })
  if (code === 'RequestTimeout') return unavailable(answer, { blame: 'request' })
  if (damageCodes.has(code)) return unavailable(answer, onceMore)
  // RunPod is reported to say so instead of 404.
  if (code === 'InvalidArgument' && /not found/i.test(message)) return new Absent('no such object', { cause })
  return new RequestRefused(said(answer), { cause })
}

function forbidden(answer: Answer): CodedError {
  const { code, cause } = answer
  // The SDK has corrected its clock by this answer, so the next attempt may do.
  if (clockCodes.has(code)) return unavailable(answer, onceMore)
  if (code === '') return new RefusedWithoutReason(said(answer), { cause, ...onceMore })
  return denied(answer)
}

const fullCodes = new Set(['QuotaExceeded', 'XMinioStorageFull', 'InsufficientStorage', 'InsufficientCapacity'])
const clockCodes = new Set(['RequestTimeTooSkewed', 'RequestExpired'])
const throttleCodes = new Set([
  'SlowDown',
  'SlowDownRead',
  'SlowDownWrite',
  'Throttling',
  'ThrottlingException',
  'TooManyRequests',
  'RequestLimitExceeded',
])
const partCodes = new Set(['InvalidPart', 'InvalidPartOrder', 'EntityTooSmall'])
/** The bytes were damaged on their way and refused as a whole. */
const damageCodes = new Set(['BadDigest', 'XAmzContentSHA256Mismatch', 'IncompleteBody'])

/** How the SDK says that it could not read a whole body, as its message goes on. */
const notXml = 'XML parse error'

/** The server would not take the time by which the request was signed. */
export const isClockFault = (error: unknown): boolean => clockCodes.has(answerIn(error)?.code ?? '')

const throttled: FailureFacts = { effect: 'never-sent', blame: 'load' }
const onceMore: FailureFacts = { effect: 'never-sent', blame: 'request', again: 'once' }

const said = ({ status, code }: Answer) => `the store answered ${status} ${code}`.trimEnd()

const denied = (answer: Answer) => new StoreDenied(said(answer), { cause: answer.cause })

const unavailable = (answer: Answer, facts: FailureFacts) =>
  new StoreUnavailable(said(answer), { cause: answer.cause, retryAfterMs: retryAfterMs(answer.headers), ...facts })

/** A success whose body made no sense: a document cut short comes right the next time, a wrong one does not. */
function unreadable({ status, message, cause }: Answer): CodedError {
  if (message.includes(notXml)) {
    return new StoreUnavailable(`the store answered ${status} and half a document`, { cause })
  }
  return new StoreMisbehaved(`the store answered ${status} and something unreadable`, { cause })
}

/** 400 can mean anything, absence too, and the words that say what were lost on their way. What was read has a fault. */
const brokeOff = ({ message, cause }: Answer): boolean =>
  !Object.hasOwn(cause as object, '$fault') && !message.includes(notXml)

function sizeIn({ headers }: Answer): number | undefined {
  const size = /^bytes \*\/(\d+)$/.exec(headers['content-range'] ?? '')?.[1]
  return size === undefined ? undefined : Number(size)
}

function answerIn(error: unknown): Answer | undefined {
  const { $metadata, $response, Code, message } = error as {
    $metadata?: { httpStatusCode?: number }
    $response?: { headers?: Record<string, string> }
    Code?: string
    message?: string
  }
  const status = $metadata?.httpStatusCode
  if (status === undefined) return undefined
  return { status, code: Code ?? '', message: message ?? '', headers: $response?.headers ?? {}, cause: error }
}
