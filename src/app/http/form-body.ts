import type { IncomingPart } from '../../domain/dataset/receive-form.ts'
import type { AppContext } from './context.ts'
import { HttpError } from './http-error.ts'

/** Reads a request's form part by part; never holds a whole file. */
export type ReadForm = (
  body: ReadableStream<Uint8Array>,
  contentType: string,
  signal: AbortSignal,
) => AsyncIterable<IncomingPart>

/** The parts of the request's form. Throws 415 for other bodies, before anything is read. */
export function formOf(c: AppContext, readForm: ReadForm): AsyncIterable<IncomingPart> {
  const contentType = c.req.header('content-type') ?? ''
  if (!/^multipart\/form-data\s*(?:;|$)/i.test(contentType)) {
    throw new HttpError('unsupported-type', 'send multipart/form-data')
  }
  const body = c.req.raw.body
  if (body === null) throw new HttpError('malformed-form', 'the request has no body')
  return readForm(body, contentType, c.var.signal)
}
