import { StoreUnavailable } from '../../ports/errors.ts'
import { storeError } from './errors.ts'

/**
 * The first `lengthBytes` of `source`: exactly them, or an error. A connection that is closed instead of a length ends a
 * short body without complaint, so somebody has to count. What is behind them is not read. Cancelling cancels `source`.
 */
export function exactBody(
  source: ReadableStream<Uint8Array>,
  lengthBytes: number,
  signal: AbortSignal,
): ReadableStream<Uint8Array> {
  const reader = source.getReader()
  let missingBytes = lengthBytes

  /** `undefined` at the end. Never an empty piece: a `pull` that gives nothing is not called again. */
  const nextPiece = async (): Promise<Uint8Array | undefined> => {
    for (;;) {
      const { done, value } = await reader.read()
      if (done && missingBytes > 0) throw new StoreUnavailable(`the body ended ${missingBytes} bytes early`)
      if (done) return undefined
      const piece = value.byteLength > missingBytes ? value.subarray(0, missingBytes) : value
      missingBytes -= piece.byteLength
      if (piece.byteLength > 0) return piece
      if (value.byteLength > 0) {
        await reader.cancel()
        return undefined
      }
    }
  }

  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          signal.throwIfAborted()
          const piece = await nextPiece()
          if (piece === undefined) controller.close()
          else controller.enqueue(piece)
        } catch (error) {
          reader.cancel(error).catch(() => {})
          controller.error(storeError(error, signal))
        }
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  )
}
