export interface PulledBody {
  readonly stream: ReadableStream<Uint8Array>
  /** Bytes that were taken from it so far. */
  readonly pulledBytes: () => number
}

/** A body that is made as it is read, and counts how far that went. */
export function pulledBody(chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): PulledBody {
  const source = asyncIterator(chunks)
  let pulledBytes = 0
  const stream = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await source.next()
        if (done) return controller.close()
        pulledBytes += value.byteLength
        controller.enqueue(value)
      },
    },
    { highWaterMark: 0 },
  )
  return { stream, pulledBytes: () => pulledBytes }
}

export const streamed = (chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>) => pulledBody(chunks).stream

async function* asyncIterator<T>(items: Iterable<T> | AsyncIterable<T>): AsyncGenerator<T, undefined> {
  yield* items
}

/** `bytes` in pieces of `size`, which no boundary of ours divides. */
export function* slices(bytes: Uint8Array, size = 1_000_003): Generator<Uint8Array> {
  for (let start = 0; start < bytes.byteLength; start += size) yield bytes.slice(start, start + size)
}
