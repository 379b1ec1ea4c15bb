import type { Clock } from '../../ports/clock.ts'

export interface ServerSentEvent {
  /** Comes back as `Last-Event-ID`; no line breaks. */
  readonly id: string | undefined
  /** What browsers listen for. */
  readonly type: string
  readonly data: unknown
}

/** A comment keeps the connection open and tells nobody anything. */
export type StreamItem = ServerSentEvent | { readonly comment: string }

/** Below the half minute after which proxies take a silent connection for a dead one. */
const pingMs = 15_000
/** How soon a browser comes back after the end of a stream. */
const retryMs = 2_000

const frame = (item: StreamItem): string => {
  if ('comment' in item) return `: ${item.comment}\n\n`
  const { id, type, data } = item
  return `${id === undefined ? '' : `id: ${id}\n`}event: ${type}\ndata: ${JSON.stringify(data)}\n\n`
}

/**
 * `items` as a stream of server-sent events (WHATWG HTML, 9.2), with a comment at least every 15 s. Ends, cleanly, with the
 * items or when `signal` is aborted; a reader that is slow holds up the items and not the memory. `leave` is called when the
 * reader has gone.
 */
export function eventStream(
  items: AsyncGenerator<StreamItem, void>,
  { clock, signal, leave }: { clock: Clock; signal: AbortSignal; leave: () => void },
): Response {
  const encoder = new TextEncoder()
  let next: Promise<IteratorResult<StreamItem, void>> | undefined
  let isBegun = false

  /** The next item, or `undefined` when it takes so long that the reader must hear something else. */
  const nextOrPing = async (): Promise<IteratorResult<StreamItem, void> | undefined> => {
    next ??= items.next()
    const resting = new AbortController()
    const ping = clock.sleep(pingMs, AbortSignal.any([signal, resting.signal])).catch(() => {})
    try {
      const first = await Promise.race([next, ping])
      if (first !== undefined) next = undefined
      return first ?? undefined
    } finally {
      resting.abort()
    }
  }

  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        // Whatever the item that is waited for does.
        if (signal.aborted) return controller.close()
        if (!isBegun) {
          isBegun = true
          return controller.enqueue(encoder.encode(`retry: ${retryMs}\n\n`))
        }
        try {
          const item = await nextOrPing()
          if (item?.done === true) controller.close()
          else controller.enqueue(encoder.encode(frame(item?.value ?? { comment: 'ping' })))
        } catch (error) {
          if (!signal.aborted) return controller.error(error)
          controller.close()
        }
      },
      cancel: leave,
    },
    { highWaterMark: 0 },
  )
  return new Response(body, {
    headers: {
      'Content-Type': 'text/event-stream',
      'Cache-Control': 'no-store',
      // nginx would keep events until it has a buffer full of them.
      'X-Accel-Buffering': 'no',
    },
  })
}
