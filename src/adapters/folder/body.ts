import type { FileHandle } from 'node:fs/promises'
import { PreconditionFailed, StoreMisbehaved } from '../../ports/errors.ts'
import { translated } from './errors.ts'
import { type Version, versionOf } from './version.ts'

const chunkBytes = 256 * 1024

/**
 * `lengthBytes` of an open file, one chunk ahead of nobody. Owns the handle: closes it after the last byte, on cancel, on
 * abort and on error. Errors when the file ends early or was changed in place while it was read.
 */
export function bodyOf(
  handle: FileHandle,
  version: Version,
  slice: { readonly offset: number; readonly lengthBytes: number },
  signal: AbortSignal,
): ReadableStream<Uint8Array> {
  let position = slice.offset
  const end = slice.offset + slice.lengthBytes

  const close = async () => {
    signal.removeEventListener('abort', stop)
    await handle.close()
  }
  let stop = () => {}

  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        stop = () => {
          controller.error(signal.reason)
          close().catch(() => {})
        }
        if (signal.aborted) return stop()
        signal.addEventListener('abort', stop, { once: true })
        if (slice.lengthBytes === 0) return finish(controller)
        return undefined
      },

      async pull(controller) {
        try {
          const chunk = new Uint8Array(Math.min(chunkBytes, end - position))
          const { bytesRead } = await handle.read(chunk, 0, chunk.byteLength, position)
          if (signal.aborted) return
          if (bytesRead === 0) throw new StoreMisbehaved('the file ends before its size')
          position += bytesRead
          // Before the last bytes are given out, so that a reader who stops at the right count leaves nothing open.
          const last = position === end && (await isStill(version, handle))
          if (signal.aborted) return
          controller.enqueue(bytesRead === chunk.byteLength ? chunk : chunk.subarray(0, bytesRead))
          if (last) await finish(controller)
        } catch (error) {
          if (signal.aborted) return
          await close().catch(() => {})
          throw translated(error)
        }
      },

      cancel: close,
    },
    { highWaterMark: 0 },
  )

  async function finish(controller: ReadableStreamDefaultController<Uint8Array>) {
    await close()
    controller.close()
  }
}

async function isStill(version: Version, handle: FileHandle): Promise<true> {
  if (versionOf(await handle.stat({ bigint: true })).etag === version.etag) return true
  throw new PreconditionFailed('the file was changed while it was read')
}
