import type { ReadableStream as WorkerStream } from '@cloudflare/workers-types'
import { StoreUnavailable } from '../../ports/errors.ts'
import { r2Error } from './errors.ts'

/** The body of the binding: exactly `lengthBytes`, or an error; ended by the signal; cancelled when its reader cancels. */
export function watchedBody(
  source: WorkerStream<Uint8Array>,
  lengthBytes: number,
  signal: AbortSignal,
): ReadableStream<Uint8Array> {
  const reader = source.getReader()
  let missingBytes = lengthBytes
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          signal.throwIfAborted()
          const { done, value } = await reader.read()
          if (!done) {
            missingBytes -= value.byteLength
            controller.enqueue(value)
          } else if (missingBytes === 0) {
            controller.close()
          } else {
            throw new StoreUnavailable(`the body has another length than announced: ${missingBytes} bytes are missing`)
          }
        } catch (error) {
          // What could not be read needs no more of our care; the reason is in the stream's own error.
          reader.cancel(error).catch(() => {})
          controller.error(error instanceof StoreUnavailable ? error : r2Error(error, signal))
        }
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  )
}
