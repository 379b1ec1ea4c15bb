import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import type { TestContext } from 'vitest'

/**
 * Stands before the service at `target`. Of each kind of write (`POST reports`, `PUT lora`) the first is done, and then
 * answered with 503 and put down in `lost`. While the service is away, connections are reset.
 */
export async function startForgetful(
  { onTestFinished }: Pick<TestContext, 'onTestFinished'>,
  target: string,
): Promise<{ readonly url: string; readonly lost: readonly string[] }> {
  const lost: string[] = []
  const server = createServer(async (request, answer) => {
    const passed = await passOn(target, request).catch(() => undefined)
    if (passed === undefined) {
      answer.destroy()
      return
    }
    const { status, type, body } = passed
    const kind = kindOf(request)
    if (request.method !== 'GET' && !lost.includes(kind)) {
      lost.push(kind)
      answer.writeHead(503).end()
      return
    }
    answer.writeHead(status, { 'content-type': type }).end(body)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, lost }
}

/** Of `/v1/objects/results/run/lora/a.bin` the folder, else the last word. */
function kindOf({ method, url = '' }: IncomingMessage): string {
  const words = url.split('/')
  return `${method} ${words.at(url.includes('/objects/') ? -2 : -1)}`
}

async function passOn(target: string, request: IncomingMessage) {
  const headers = new Headers()
  for (const name of ['authorization', 'content-type', 'idempotency-key']) {
    const value = request.headers[name]
    if (typeof value === 'string') headers.set(name, value)
  }
  const sent = await buffer(request)
  const answer = await fetch(`${target}${request.url}`, {
    method: request.method ?? 'GET',
    headers,
    ...(sent.byteLength === 0 ? {} : { body: new Uint8Array(sent) }),
  })
  const body = new Uint8Array(await answer.arrayBuffer())
  return { status: answer.status, type: answer.headers.get('content-type') ?? 'text/plain', body }
}
