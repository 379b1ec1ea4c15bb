import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface HttpStub {
  readonly origin: string
  /** Method and path of every request, in order. */
  readonly seen: string[]
  stop(): Promise<void>
}

/** A server on a free loopback port that says what the test wants. The request's body has been read when `answer` is called. */
export async function startHttpStub(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<HttpStub> {
  const seen: string[] = []
  const server = createServer((request, response) => {
    seen.push(`${request.method} ${request.url}`)
    request.resume().once('end', () => answer(request, response))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    async stop() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      await closed
    },
  }
}
