import { formBoundary } from './boundary.ts'
import { decodeUtf8, parseDisposition } from './disposition.ts'
import { FormTooLarge, MalformedForm, TooManyParts } from './errors.ts'
import { createFileBody } from './file-body.ts'
import { type PartEvents, readPartEvents } from './part-events.ts'
import { createPartSplitter, type PartHeaders } from './part-splitter.ts'

export type FormPart =
  | { readonly type: 'field'; readonly name: string; readonly value: string }
  | {
      readonly type: 'file'
      readonly fieldName: string
      /** As the sender wrote it: it may be empty, a path, or not UTF-8 (then with U+FFFD). */
      readonly fileName: string
      /** What the sender says, not what the bytes are. */
      readonly contentType: string
      /** To be read once, before the next part is asked for. Without being read it is passed over. */
      readonly body: AsyncIterable<Uint8Array>
    }

/** All inclusive. */
export interface FormLimits {
  readonly maxParts: number
  readonly maxFields: number
  readonly maxFieldBytes: number
  /** Of each part. */
  readonly maxHeaderBytes: number
}

export const defaultFormLimits: FormLimits = {
  maxParts: 20_000,
  maxFields: 100,
  maxFieldBytes: 64 * 1024,
  maxHeaderBytes: 16 * 1024,
}

/**
 * The parts of a multipart/form-data body (RFC 7578), in order, as they arrive. A part without a file name is a field. The
 * body is read no further than the consumer has come; at most one chunk of it is in memory, and one field.
 *
 * Throws `NotFormData`, `MalformedForm` (a form that is cut off, too, from wherever the reading stands: also from inside of
 * a file), `FormTooLarge` or `TooManyParts`, the error of the body as it is, or the signal's reason. In the end the body is
 * unlocked. It was read to its end, or failed, or was cancelled by the signal, or is left for its owner to drain or cancel:
 * cancelling it here would cut a Node connection before the client could be told why.
 */
export async function* readFormData(
  body: ReadableStream<Uint8Array>,
  contentType: string,
  limits: FormLimits,
  signal: AbortSignal,
): AsyncGenerator<FormPart, undefined> {
  const splitter = createPartSplitter(formBoundary(contentType), limits)
  const events = readPartEvents(body, splitter, signal)
  let parts = 0
  let fields = 0
  try {
    for (let event = await events.next(); event !== undefined; event = await events.next()) {
      if (event.type !== 'start') continue
      parts += 1
      if (parts > limits.maxParts) throw new TooManyParts(`the form has more than ${limits.maxParts} parts`)
      const { name, fileName, type } = describePart(event.headers)
      if (fileName === undefined) {
        fields += 1
        if (fields > limits.maxFields) throw new TooManyParts(`the form has more than ${limits.maxFields} fields`)
        yield { type: 'field', name, value: await readValue(events, limits.maxFieldBytes) }
        continue
      }
      const file = createFileBody(events)
      yield { type: 'file', fieldName: name, fileName, contentType: type, body: file.bytes }
      await file.skip()
    }
  } finally {
    events.close()
  }
}

function describePart(headers: PartHeaders): { name: string; fileName: string | undefined; type: string } {
  const [disposition, ...others] = headers['content-disposition'] ?? []
  if (disposition === undefined || others.length > 0) {
    throw new MalformedForm('a part of the form does not have exactly one Content-Disposition')
  }
  // RFC 7578 §4.7 has done away with encodings; storing the encoded text as the file would be worse than refusing it.
  const encoding = headers['content-transfer-encoding']?.[0] ?? 'binary'
  if (!/^(?:7bit|8bit|binary)$/i.test(encoding.trim())) {
    throw new MalformedForm('a part of the form has a Content-Transfer-Encoding; send the bytes as they are')
  }
  return { ...parseDisposition(disposition), type: headers['content-type']?.[0]?.trim() || 'application/octet-stream' }
}

async function readValue(events: PartEvents, maxFieldBytes: number): Promise<string> {
  const value = new Uint8Array(maxFieldBytes)
  let length = 0
  for (let event = await events.next(); event?.type === 'data'; event = await events.next()) {
    if (length + event.bytes.length > maxFieldBytes) {
      throw new FormTooLarge(`a field of the form has more than ${maxFieldBytes} bytes`)
    }
    value.set(event.bytes, length)
    length += event.bytes.length
  }
  return decodeUtf8(value.subarray(0, length))
}
