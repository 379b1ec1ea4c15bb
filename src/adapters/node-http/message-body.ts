import type { IncomingMessage } from 'node:http'

export interface MessageBody {
  /** All that has come in since the last chunk, never empty; `undefined` at the end. Throws when the message was cut. */
  next(): Promise<Uint8Array<ArrayBuffer> | undefined>
  /** Nobody reads on: the connection is given back if all of it is here, else ended. */
  leave(): void
}

/** The body of a message. Until it is read, the sender is held back once the message's `highWaterMark` has come in. */
export function messageBody(message: IncomingMessage): MessageBody {
  let wake = () => {}
  for (const event of ['readable', 'end', 'error', 'close']) message.on(event, () => wake())
  return {
    async next() {
      for (;;) {
        const chunk = message.read() as Buffer<ArrayBuffer> | null
        if (chunk !== null) return plain(chunk)
        if (message.readableEnded) return undefined
        if (message.destroyed) throw message.errored ?? new Error('the message was left')
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    },
    leave() {
      if (!message.complete) message.destroy()
      // Nothing else ends a message that somebody listens to.
      while (message.read() !== null);
    },
  }
}

/** Pulled: one chunk for each pull. */
export function streamOf(body: MessageBody): ReadableStream<Uint8Array> {
  return new ReadableStream(
    {
      async pull(controller) {
        const chunk = await body.next()
        if (chunk === undefined) controller.close()
        else controller.enqueue(chunk)
      },
      cancel: () => body.leave(),
    },
    { highWaterMark: 0 },
  )
}

/** All chunks in one, up to the end. */
export async function bytesOf(body: MessageBody): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array<ArrayBuffer>[] = []
  for (let chunk = await body.next(); chunk !== undefined; chunk = await body.next()) chunks.push(chunk)
  const [first] = chunks
  return first !== undefined && chunks.length === 1 ? first : plain(Buffer.concat(chunks))
}

/** Whose `slice` and equality are those of any other bytes. */
const plain = ({ buffer, byteOffset, byteLength }: Buffer<ArrayBuffer>) =>
  new Uint8Array(buffer, byteOffset, byteLength)
