import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import type { Answer } from './http-client.ts'

const givenUpMs = 5_000

/** A client that announces a whole body, sends the beginning of it and leaves: hard, or by closing its side. */
export async function sendAndLeave(
  url: string,
  { announcedBytes, beginning, how }: { announcedBytes: number; beginning: Uint8Array; how: 'reset' | 'close' },
): Promise<Answer> {
  const startedAtMs = performance.now()
  const { port, pathname } = new URL(url)
  const socket = connect(Number(port), '127.0.0.1')
  const received: Buffer[] = []
  socket.on('data', (piece: Buffer) => received.push(piece)).on('error', () => {})
  await once(socket, 'connect')
  socket.write(`PUT ${pathname} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: ${announcedBytes}\r\n\r\n`)
  await new Promise((resolve) => socket.write(beginning, resolve))
  // What was written is in the kernel's hands; a reset must not overtake it.
  await pause(50)
  if (how === 'reset') socket.resetAndDestroy()
  else socket.end()
  if (!socket.closed) await once(socket, 'close', { signal: AbortSignal.timeout(givenUpMs) })
  const said = Buffer.concat(received)
  const end = said.indexOf('\r\n\r\n')
  return {
    status: Number(/^HTTP\/1\.1 (\d+)/.exec(said.toString('latin1'))?.[1] ?? 0),
    headers: {},
    body: end === -1 ? said : said.subarray(end + 4),
    ending: end === -1 ? 'no-answer' : 'clean',
    durationMs: performance.now() - startedAtMs,
  }
}
