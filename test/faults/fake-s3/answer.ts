import { S3Error } from './s3-error.ts'
import { leaf, xmlDocument } from './xml.ts'

/** What goes back. HEAD answers have the headers of their body and no body; `content-length` is added when sending. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

const nothing = new Uint8Array(0)

export const emptyAnswer = (status: number, headers: Record<string, string> = {}): Answer => ({
  status,
  headers,
  body: nothing,
})

export function xmlAnswer(
  root: string,
  children: readonly (string | undefined)[],
  { named, headers }: { named: boolean; headers?: Record<string, string> },
): Answer {
  const body = Buffer.from(xmlDocument(root, children, { named }))
  return { status: 200, headers: { 'content-type': 'application/xml', ...headers }, body }
}

/** The answer for whatever an operation threw. What is no refusal is our own mistake: 500, with its stack for the reader. */
export function errorAnswer(error: unknown, { requestId, resource }: { requestId: string; resource: string }): Answer {
  if (!(error instanceof S3Error)) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
    return {
      status: 500,
      headers: { 'content-type': 'text/plain' },
      body: Buffer.from(`the fake S3 is broken: ${text}`),
    }
  }
  const { status, code, message, details, headers } = error
  if (status === 304) return emptyAnswer(304, headers)
  const elements = [
    leaf('Code', code),
    leaf('Message', message),
    ...Object.entries(details).map(([name, value]) => leaf(name, value)),
    leaf('Resource', resource),
    leaf('RequestId', requestId),
    leaf('HostId', 'fake'),
  ]
  const answer = xmlAnswer('Error', elements, { named: false, headers })
  return { ...answer, status }
}
