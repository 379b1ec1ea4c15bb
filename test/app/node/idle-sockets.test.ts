import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it, onTestFinished } from 'vitest'
import { endIdleSockets } from '../../../src/app/node/idle-sockets.ts'

const limits = { senderMs: 150, readerMs: 300 }

async function connected(listener: RequestListener): Promise<{ client: Socket; received: () => string }> {
  const server = createServer(listener)
  endIdleSockets(server, limits)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
  onTestFinished(() => {
    client.destroy()
    server.closeAllConnections()
    server.close()
  })
  let text = ''
  client.on('data', (chunk) => {
    text += chunk.toString()
  })
  client.on('error', () => {})
  await once(client, 'connect')
  return { client, received: () => text }
}

const put = (sizeBytes: number) => `PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: ${sizeBytes}\r\n\r\n`

it.each([
  ['after a body', `${put(3)}abc`],
  ['without a body', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'],
])('is not ended while its answer takes longer than any client may be silent, %s', async (_, sent) => {
  const { client, received } = await connected((request, response) => {
    request.resume()
    setTimeout(() => response.end('joined'), 4 * limits.readerMs)
  })
  client.write(sent)
  while (!received().endsWith('joined') && !client.closed) await sleep(20)
  expect(received()).toMatch(/^HTTP\/1.1 200 .*joined$/s)
})

it('is not ended while its body waits to be read', async () => {
  const { client, received } = await connected((request, response) => {
    request.on('end', () => response.end('read'))
    setTimeout(() => request.resume(), 4.5 * limits.senderMs)
  })
  client.write(put(2 ** 20))
  client.write(Buffer.alloc(2 ** 20))
  while (!received().endsWith('read') && !client.closed) await sleep(20)
  expect(received()).toMatch(/^HTTP\/1.1 200 .*read$/s)
})

it('is ended while its client is silent in the middle of a body', async () => {
  const { client, received } = await connected((request) => request.resume())
  client.write(`${put(10)}abc`)
  await once(client, 'close')
  expect(received()).toBe('')
})

it('is ended while its client does not read the answer that has begun', async () => {
  const { client } = await connected((request, response) => {
    request.resume()
    response.write(Buffer.alloc(64 * 2 ** 20))
  })
  client.pause()
  client.write(`${put(3)}abc`)
  await sleep(4 * limits.readerMs)
  client.resume()
  await once(client, 'close')
})
