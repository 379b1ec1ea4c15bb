import type * as z from 'zod'
import { TooLarge } from '../../../domain/errors.ts'
import type { AppContext } from '../context.ts'
import { HttpError } from '../http-error.ts'
import { announcedLength, bodyChunks } from '../request-body.ts'

/** The JSON body, held to `schema`. Throws what the user may read: 400, or 413 while reading. */
export async function jsonBody<T>(c: AppContext, schema: z.ZodType<T>, { maxBytes }: { maxBytes: number }): Promise<T> {
  const announced = announcedLength(c, maxBytes)
  const decoder = new TextDecoder()
  let text = ''
  let bytes = 0
  for await (const chunk of bodyChunks(c, announced)) {
    bytes += chunk.byteLength
    if (bytes > maxBytes) throw new TooLarge(`this JSON body has at most ${maxBytes} bytes`)
    text += decoder.decode(chunk, { stream: true })
  }
  const read = schema.safeParse(parsed(text + decoder.decode()))
  if (read.success) return read.data
  const [issue] = read.error.issues
  throw new HttpError('invalid-request', `${issue?.path.join('.') || 'the body'}: ${issue?.message}`)
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new HttpError('invalid-request', 'the body is not JSON')
  }
}
