import type { DownloadOutcome } from '../../ports/export-telemetry.ts'
import type { Log } from '../../ports/log.ts'
import type { AppContext } from './context.ts'

type Source = ReadableStream<Uint8Array>

/** Told of every body that was begun, exactly once each time it ends. */
export interface BodyListener {
  /** The connection took so many bytes. */
  delivered(bytes: number): void
  ended(outcome: DownloadOutcome): void
}

/** What the Node server hands on with each request. */
interface Outgoing {
  readonly writableFinished: boolean
  readonly closed: boolean
  destroy(): void
  once(name: 'close', listener: () => void): void
}

/**
 * A body whose first bytes are here: what goes wrong before them is thrown, and can still become a problem with a status.
 * What goes wrong later resets the connection, so that nobody takes the part for the whole, and is told to the log alone:
 * left to itself the Node server writes the error's text into the body and its stack to stderr.
 */
export async function startedBody(
  c: AppContext,
  source: Source,
  log: Log,
  startListening: () => BodyListener = () => deaf,
): Promise<Source> {
  const { requestId, signal } = c.var
  const outgoing = (c.env as { outgoing?: Outgoing } | undefined)?.outgoing
  const reader = source.getReader()
  let ahead: ReadableStreamReadResult<Uint8Array> | undefined = await reader.read()
  const listener = startListening()
  let ended = false
  const end = (outcome: DownloadOutcome) => {
    if (!ended) listener.ended(outcome)
    ended = true
  }
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = ahead ?? (await reader.read())
          ahead = undefined
          // It was left meanwhile: nobody is there, and nothing is broken.
          if (ended) return
          if (done) {
            controller.close()
            whenSent(outgoing, end)
          } else {
            controller.enqueue(value)
            listener.delivered(value.byteLength)
          }
        } catch (error) {
          if (ended) return
          end(signal.aborted ? 'left' : 'broken')
          log.warn('response-broken', { requestId, error })
          if (outgoing === undefined) return controller.error(error)
          // With the connection gone nobody sees this end, and the server has nothing to complain about.
          outgoing.destroy()
          controller.close()
        }
      },
      cancel(reason) {
        end('left')
        return reader.cancel(reason)
      },
    },
    { highWaterMark: 0 },
  )
}

const deaf: BodyListener = { delivered() {}, ended() {} }

/** On Node the last bytes may still wait for a client that goes away before it has taken them. */
function whenSent(outgoing: Outgoing | undefined, end: (outcome: DownloadOutcome) => void): void {
  const tell = () => end(outgoing === undefined || outgoing.writableFinished ? 'complete' : 'left')
  if (outgoing === undefined || outgoing.closed) tell()
  else outgoing.once('close', tell)
}
