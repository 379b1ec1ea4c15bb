import { BodyIncomplete, TooLarge } from '../../domain/errors.ts'
import type { AppContext } from './context.ts'
import { HttpError } from './http-error.ts'

/** The announced length of the body; `undefined` when it comes in chunks. Throws `TooLarge` before a byte is read. */
export function announcedLength(c: AppContext, maxBytes: number): number | undefined {
  const header = c.req.header('content-length')
  if (header === undefined) return undefined
  if (!/^\d{1,15}$/.test(header)) throw new HttpError('invalid-request', 'Content-Length is not a number')
  const bytes = Number(header)
  if (bytes > maxBytes) throw new TooLarge(`the body has ${bytes} bytes, at most ${maxBytes} are taken`)
  return bytes
}

/** The body as chunks. Throws `BodyIncomplete` when it is not as long as announced, so that nothing short is stored. */
export async function* bodyChunks(c: AppContext, announcedBytes: number | undefined): AsyncGenerator<Uint8Array> {
  let passedBytes = 0
  if (c.req.raw.body !== null) {
    for await (const chunk of c.req.raw.body as unknown as AsyncIterable<Uint8Array>) {
      passedBytes += chunk.byteLength
      yield chunk
    }
  }
  if (announcedBytes !== undefined && passedBytes !== announcedBytes) {
    throw new BodyIncomplete(`the body has ${passedBytes} bytes, announced were ${announcedBytes}`)
  }
}
