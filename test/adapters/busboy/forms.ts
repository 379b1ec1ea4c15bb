import {
  defaultFormLimits,
  type FormLimits,
  type FormPart,
  readFormData,
} from '../../../src/adapters/busboy/form-data.ts'

export const boundary = '----WebKitFormBoundaryAbC123xyz0987654'
export const contentType = `multipart/form-data; boundary=${boundary}`

/** One part with the given header lines. */
export const part = (headers: readonly string[], body: string | Uint8Array): Uint8Array =>
  Buffer.concat([
    Buffer.from(`--${boundary}\r\n${headers.join('\r\n')}\r\n\r\n`),
    Buffer.from(body),
    Buffer.from('\r\n'),
  ])

/** As Chromium writes them. */
export const field = (name: string, value: string): Uint8Array =>
  part([`Content-Disposition: form-data; name="${name}"`], value)

export const file = (fileName: string, body: string | Uint8Array, type = 'image/jpeg'): Uint8Array =>
  part([`Content-Disposition: form-data; name="files"; filename="${fileName}"`, `Content-Type: ${type}`], body)

export const form = (...parts: Uint8Array[]): Uint8Array =>
  Buffer.concat([...parts, Buffer.from(`--${boundary}--\r\n`)])

export interface Source {
  readonly stream: ReadableStream<Uint8Array>
  readonly pulls: () => number
  readonly cancelledWith: () => unknown
}

/** Hands out one chunk a pull, only when it is pulled. */
export function source(bytes: Uint8Array, chunkBytes = Math.max(1, bytes.length)): Source {
  let at = 0
  let pulls = 0
  let cancelled: unknown
  const stream = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        pulls += 1
        if (at >= bytes.length) return controller.close()
        controller.enqueue(bytes.subarray(at, at + chunkBytes))
        at += chunkBytes
      },
      cancel(reason) {
        cancelled = reason
      },
    },
    { highWaterMark: 0 },
  )
  return { stream, pulls: () => pulls, cancelledWith: () => cancelled }
}

export interface Options extends Partial<FormLimits> {
  readonly chunkBytes?: number
  readonly type?: string
  readonly signal?: AbortSignal
}

export function read(bytes: Uint8Array | Source, options: Options = {}): AsyncGenerator<FormPart, undefined> {
  const { chunkBytes, type = contentType, signal = new AbortController().signal, ...limits } = options
  const { stream } = bytes instanceof Uint8Array ? source(bytes, chunkBytes) : bytes
  return readFormData(stream, type, { ...defaultFormLimits, ...limits }, signal)
}

export async function bytesOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(chunk)
  return Buffer.concat(chunks).toString('latin1')
}

export interface Seen {
  readonly name: string
  readonly value: string
  readonly fileName?: string
  readonly contentType?: string
}

/** Everything in it, bodies as one character for each byte. */
export async function readAll(bytes: Uint8Array | Source, options: Options = {}): Promise<Seen[]> {
  const seen: Seen[] = []
  for await (const found of read(bytes, options)) {
    if (found.type === 'field') seen.push({ name: found.name, value: found.value })
    else {
      const { fieldName: name, fileName, contentType: type } = found
      seen.push({ name, fileName, contentType: type, value: await bytesOf(found.body) })
    }
  }
  return seen
}
