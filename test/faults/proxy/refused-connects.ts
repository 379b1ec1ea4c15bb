import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'

const channel = 'net.client.socket'

/**
 * Tells of every connection that this process tried to make to a port where nobody listens: the only one to see a
 * refusal is the one who is refused. Returns the way to stop.
 */
export function watchRefusals(port: () => number, refused: () => void): () => void {
  const watch = (message: unknown) => {
    const { socket } = message as { socket: Socket }
    socket.once('error', (error: NodeJS.ErrnoException & { port?: number }) => {
      if (error.code === 'ECONNREFUSED' && error.port === port()) refused()
    })
  }
  subscribe(channel, watch)
  return () => unsubscribe(channel, watch)
}
