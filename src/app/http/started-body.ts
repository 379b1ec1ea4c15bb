import type { Log } from '../../ports/log.ts'
import type { AppContext } from './context.ts'

type Source = ReadableStream<Uint8Array>

/**
 * A body whose first bytes are here: what goes wrong before them is thrown, and can still become a problem with a status.
 * What goes wrong later resets the connection, so that nobody takes the part for the whole, and is told to the log alone:
 * left to itself the Node server writes the error's text into the body and its stack to stderr.
 */
export async function startedBody(c: AppContext, source: Source, log: Log): Promise<Source> {
  const { requestId } = c.var
  const outgoing = (c.env as { outgoing?: { destroy(): void } } | undefined)?.outgoing
  const reader = source.getReader()
  let ahead: ReadableStreamReadResult<Uint8Array> | undefined = await reader.read()
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = ahead ?? (await reader.read())
          ahead = undefined
          if (done) controller.close()
          else controller.enqueue(value)
        } catch (error) {
          log.warn('response-broken', { requestId, error })
          if (outgoing === undefined) return controller.error(error)
          // With the connection gone nobody sees this end, and the server has nothing to complain about.
          outgoing.destroy()
          controller.close()
        }
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  )
}
