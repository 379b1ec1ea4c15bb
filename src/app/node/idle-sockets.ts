import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

export interface IdleLimits {
  /** Silence of a client that is sending a body. A slow upload that moves is never cut. */
  readonly senderMs: number
  /** Silence of a client that is reading an answer. */
  readonly readerMs: number
}

/**
 * Ends connections whose clients have fallen silent. While the silence is ours, it is not cut: each call to a store has a
 * deadline of its own, and joining a large object may take longer than any client may keep us waiting; nor does a client
 * fall silent whose bytes have come and are not taken yet.
 */
export function endIdleSockets(server: Server, { senderMs, readerMs }: IdleLimits): void {
  const awaited = new WeakMap<Socket, { request: IncomingMessage; response: ServerResponse }>()
  server.prependListener('request', (request: IncomingMessage, response: ServerResponse) => {
    const { socket } = request
    awaited.set(socket, { request, response })
    socket.setTimeout(senderMs)
    const awaitReader = () => socket.setTimeout(readerMs)
    if (request.headers['content-length'] === undefined && request.headers['transfer-encoding'] === undefined)
      awaitReader()
    else request.once('end', awaitReader)
  })
  server.on('timeout', (socket: Socket) => {
    const { request, response } = awaited.get(socket) ?? {}
    const hasSent = request !== undefined && (request.complete || request.readableLength > 0)
    const isOurTurn = hasSent && response?.headersSent === false
    if (isOurTurn) socket.setTimeout(socket.timeout ?? readerMs)
    else socket.destroy()
  })
}
