import type { FaultAnswer } from './fault.ts'
import { leaf, xmlDocument } from './xml.ts'

const xml = { 'content-type': 'application/xml' }

const errorXml = (code: string, message: string): string =>
  xmlDocument(
    'Error',
    [leaf('Code', code), leaf('Message', message), leaf('RequestId', 'fault'), leaf('HostId', 'fake')],
    {
      named: false,
    },
  )

/** 503 as Amazon throttles, with Retry-After when told. */
export const slowDown = (retryAfterSeconds?: number): FaultAnswer => ({
  status: 503,
  headers: retryAfterSeconds === undefined ? xml : { ...xml, 'retry-after': String(retryAfterSeconds) },
  body: errorXml('SlowDown', 'Please reduce your request rate.'),
})

export const s3Error = (status: number, code: string, message = code): FaultAnswer => ({
  status,
  headers: xml,
  body: errorXml(code, message),
})

export const internalError: FaultAnswer = s3Error(
  500,
  'InternalError',
  'We encountered an internal error. Please try again.',
)

/** What a proxy says when its origin takes too long. */
export const edgeTimeout: FaultAnswer = {
  status: 524,
  headers: { 'content-type': 'text/plain; charset=UTF-8' },
  body: 'error code: 524',
}

export const badGateway: FaultAnswer = {
  status: 502,
  headers: { 'content-type': 'text/html' },
  body: '<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body><center><h1>502 Bad Gateway</h1></center></body>\r\n</html>\r\n',
}

/** Amazon, when a Complete fails after it began to answer. */
export const errorInside200: FaultAnswer = { ...internalError, status: 200 }
