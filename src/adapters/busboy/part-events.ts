import { MalformedForm } from './errors.ts'
import type { PartEvent, PartSplitter } from './part-splitter.ts'

/** The events of a form, one at a time, fetched when they are asked for. */
export interface PartEvents {
  /** The next event, or `undefined` after the last boundary. What was once thrown is thrown again by every later call. */
  next(): Promise<PartEvent | undefined>
  /** Lets go of the body, as every error does. Every later call of `next` throws. */
  close(): void
}

/** Reads `body` through `splitter`, never further than was asked. Aborting cancels the body and throws the signal's reason. */
export function readPartEvents(
  body: ReadableStream<Uint8Array>,
  splitter: PartSplitter,
  signal: AbortSignal,
): PartEvents {
  signal.throwIfAborted()
  const reader = body.getReader()
  const cancel = () => {
    // Ends a pending read at once; that the source dislikes it is of no interest to anybody.
    reader.cancel(signal.reason).catch(() => undefined)
  }
  signal.addEventListener('abort', cancel, { once: true })
  // A generator, because it also puts overlapping calls in order.
  const events = splitBody(reader, splitter, signal)
  let failure: { readonly reason: unknown } | undefined

  const fail = (reason: unknown) => {
    if (failure !== undefined) return failure
    failure = { reason }
    signal.removeEventListener('abort', cancel)
    reader.releaseLock()
    return failure
  }

  return {
    async next() {
      try {
        signal.throwIfAborted()
        const result = failure === undefined ? await events.next() : undefined
        if (failure !== undefined) throw failure.reason
        return result?.value
      } catch (reason) {
        throw fail(reason).reason
      }
    },
    close() {
      fail(new MalformedForm('the form is not being read any more'))
    },
  }
}

async function* splitBody(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  splitter: PartSplitter,
  signal: AbortSignal,
): AsyncGenerator<PartEvent, undefined> {
  for (;;) {
    const { done, value } = await reader.read()
    // A cancelled body ends like a complete one.
    signal.throwIfAborted()
    if (done) break
    yield* splitter.push(value)
  }
  if (!splitter.ended) throw new MalformedForm('the form is cut off: it ends before its last boundary')
}
