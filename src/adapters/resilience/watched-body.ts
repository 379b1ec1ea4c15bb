import type { Clock } from '../../ports/clock.ts'
import { StoreUnavailable } from '../../ports/errors.ts'

export interface Watch {
  readonly clock: Clock
  /** How long a read may wait for the next piece. Time in which nobody reads does not count. */
  readonly idleMs: number
  /** The caller's. Its abort ends the body at once. */
  readonly signal: AbortSignal
  /** The store failed in the middle. Called at most once, and neither for aborts nor for cancelled bodies. */
  onFailure(failure: StoreUnavailable): void
  /** Frees what is behind the body, even where cancelling it hangs. Called when the body is over in any other way than well. */
  release(reason: unknown): void
}

const answered = 'answered'

/** `body`, with an end: when it stands still it fails, and what happens to it in the middle is noticed. */
export function watchedBody(body: ReadableStream<Uint8Array>, watch: Watch): ReadableStream<Uint8Array> {
  const { clock, idleMs, signal } = watch
  const reader = body.getReader()
  let stopListening = () => {}

  const letGo = (reason: unknown) => {
    stopListening()
    reader.cancel(reason).catch(() => {})
    watch.release(reason)
  }

  const nextPiece = async () => {
    const timer = new AbortController()
    const standstill = clock.sleep(idleMs, timer.signal).then(() => {
      throw new StoreUnavailable(`the body stood still for ${idleMs} ms`)
    })
    try {
      return await Promise.race([reader.read(), standstill])
    } finally {
      timer.abort(answered)
    }
  }

  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const gone = () => {
          controller.error(signal.reason)
          letGo(signal.reason)
        }
        if (signal.aborted) return gone()
        signal.addEventListener('abort', gone, { once: true })
        stopListening = () => signal.removeEventListener('abort', gone)
      },
      async pull(controller) {
        try {
          const { done, value } = await nextPiece()
          if (signal.aborted) return
          if (!done) return controller.enqueue(value)
          stopListening()
          controller.close()
        } catch (error) {
          if (signal.aborted) return
          letGo(error)
          controller.error(error)
          if (error instanceof StoreUnavailable) watch.onFailure(error)
        }
      },
      cancel(reason) {
        stopListening()
        watch.release(reason)
        return reader.cancel(reason)
      },
    },
    { highWaterMark: 0 },
  )
}
