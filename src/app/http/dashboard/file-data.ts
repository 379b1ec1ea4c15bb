import type { Log } from '../../../ports/log.ts'
import type { StoredObject } from '../../../ports/object-store.ts'
import type { AppContext } from '../context.ts'
import { startedBody } from '../started-body.ts'
import { base64, base64Length } from './base64.ts'

/**
 * What the dashboard was seen to save as base64 in JSON: of 144 MB it says that they are saved, and they are not; 300 MB end
 * its browser tab.
 */
export const maxInlineBytes = 128_000_000

const encoder = new TextEncoder()

/**
 * JSON in which the object that the dashboard saves stands where `wrap` puts it. Sent while the file is read, with its exact
 * length, so that one that breaks off is never taken for the whole.
 */
export async function fileDataAnswer(
  c: AppContext,
  object: StoredObject,
  { log, wrap }: { log: Log; wrap: (file: unknown) => unknown },
): Promise<Response> {
  const { key, contentType, sizeBytes } = object.meta
  const filename = key.slice(key.lastIndexOf('/') + 1)
  // Nothing else in the answer can be this: in JSON, a control character is always escaped.
  const file = { type: 'file_data', filename, content_type: contentType, size: sizeBytes, data: '\u0000' }
  const [before = '', after = ''] = JSON.stringify({ success: true, data: wrap(file) }).split('"data":"\\u0000"')
  const head = encoder.encode(`${before}"data":"`)
  const tail = encoder.encode(`"${after}`)
  const headers = new Headers({
    'Cache-Control': 'private, no-store',
    'Content-Length': `${head.length + base64Length(sizeBytes) + tail.length}`,
    'Content-Type': 'application/json',
    'X-Content-Type-Options': 'nosniff',
  })
  if (c.req.method === 'HEAD') {
    await object.body.cancel()
    return new Response(null, { headers })
  }
  const text = async function* () {
    yield head
    yield* base64(object.body as unknown as AsyncIterable<Uint8Array>)
    yield tail
  }
  return new Response(await startedBody(c, streamOf(text()), log), { headers })
}

/** Pulls one chunk at a time; who cancels the stream ends the source. */
function streamOf(chunks: AsyncGenerator<Uint8Array>): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await chunks.next()
        if (done) controller.close()
        else controller.enqueue(value)
      },
      async cancel() {
        await chunks.return(undefined)
      },
    },
    { highWaterMark: 0 },
  )
}
