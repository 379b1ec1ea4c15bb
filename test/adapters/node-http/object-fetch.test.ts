import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { afterEach, expect, it } from 'vitest'
import { createObjectFetch } from '../../../src/adapters/node-http/object-fetch.ts'
import { startChild } from '../../servers/child.ts'
import { selfSigned } from '../s3/self-signed.ts'

let server: Server | undefined
let origin = ''
let sockets: Socket[] = []

afterEach(() => {
  server?.closeAllConnections()
  server?.close()
  sockets = []
})

/** Serves `listener`, and reads from it over connections of its own. */
async function serve(listener: RequestListener) {
  server = createServer(listener).on('connection', (socket: Socket) => {
    socket.on('error', () => {})
    sockets.push(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const objectFetch = createObjectFetch()
  return (
    path = '/',
    { method = 'GET', signal = new AbortController().signal }: { method?: 'GET' | 'HEAD'; signal?: AbortSignal } = {},
  ) => objectFetch(origin + path, { method, headers: { 'x-sent': 'yes' }, signal })
}

async function gather(body: ReadableStream<Uint8Array> | null): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(body as unknown as AsyncIterable<Uint8Array>))
}

const closed = async (socket: Socket): Promise<void> => {
  if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve))
}

const large = Buffer.alloc(40 * 2 ** 20, 'lora')
const serveLarge: RequestListener = (_, response) => response.setHeader('Content-Length', large.length).end(large)

it('gives status, headers and the bytes as they were sent', async () => {
  const get = await serve((request, response) => {
    response.writeHead(206, {
      'X-Got': `${request.method} ${request.url} ${request.headers['x-sent']}`,
      'X-Two': ['a', 'b'],
    })
    response.end('bytes')
  })
  const { status, headers, body } = await get('/a%20b?c')
  expect([status, headers.get('x-got'), headers.get('x-two')]).toEqual([206, 'GET /a%20b?c yes', 'a, b'])
  expect(`${await gather(body)}`).toBe('bytes')
  expect(await (await get()).bytes()).toEqual(new TextEncoder().encode('bytes'))
})

it('gives all of a body that came in many pieces at once', async () => {
  const get = await serve(serveLarge)
  expect(large.equals(await (await get()).bytes())).toBe(true)
})

it('follows no redirect and undoes no compression', async () => {
  const packed = gzipSync('packed')
  const get = await serve((request, response) => {
    if (request.url === '/moved') response.writeHead(307, { Location: '/' }).end()
    else response.setHeader('Content-Encoding', 'gzip').end(packed)
  })
  expect((await get('/moved')).status).toBe(307)
  expect(packed.equals(await (await get()).bytes())).toBe(true)
})

it('sends one request after another over one connection, also after heads, refusals and bodies that nobody took', async () => {
  const get = await serve((request, response) => {
    response.writeHead(request.url === '/none' ? 404 : 200, { 'Content-Length': 5 }).end('small')
  })
  expect((await get('/', { method: 'HEAD' })).body).toBeNull()
  await pause(20)
  await gather((await get('/none')).body)
  await pause(20)
  const left = await get()
  await pause(20)
  await left.body?.cancel()
  await pause(20)
  await (await get()).bytes()
  expect(sockets).toHaveLength(1)
})

it('ends the connection of a body that is cancelled in the middle', async () => {
  const { promise: ended, resolve } = Promise.withResolvers<boolean>()
  const get = await serve((request, response) => {
    response.once('close', () => resolve(response.writableFinished))
    serveLarge(request, response)
  })
  const { body } = await get()
  const reader = (body as ReadableStream<Uint8Array>).getReader()
  await reader.read()
  await reader.cancel()
  expect(await ended).toBe(false)
})

it('holds the sender back while nobody reads, and then gives what has come in as one chunk', async () => {
  const get = await serve(serveLarge)
  const { body } = await get()
  const reader = (body as ReadableStream<Uint8Array>).getReader()
  const first = await reader.read()
  await pause(200)
  const held = sockets[0]?.writableLength ?? 0
  expect(held).toBeGreaterThan(large.length / 2)
  const { value } = await reader.read()
  // No more than one read of the socket above the mark.
  expect(value?.byteLength).toBeGreaterThan(128 * 1024)
  expect(value?.byteLength).toBeLessThanOrEqual((256 + 64) * 1024)
  reader.releaseLock()
  const rest = await gather(body)
  expect((first.value?.byteLength ?? 0) + (value?.byteLength ?? 0) + rest.length).toBe(large.length)
})

it('gives all of a body whose server left before anybody read it', async () => {
  const bytes = Buffer.alloc(64 * 1024, 'a')
  const get = await serve((_, response) => {
    response.writeHead(200, { 'Content-Length': bytes.length, Connection: 'close' }).end(bytes)
  })
  const { body } = await get()
  await pause(100)
  expect(bytes.equals(await gather(body))).toBe(true)
})

it.each(['Content-Length', 'chunks'])('throws for a body in %s that is cut', async (framing) => {
  const get = await serve((_, response) => {
    if (framing === 'Content-Length') response.setHeader('Content-Length', 1_000)
    response.write('half')
    setTimeout(() => response.destroy(), 20)
  })
  await expect(gather((await get()).body)).rejects.toMatchObject({ code: 'ECONNRESET' })
  await expect((await get()).bytes()).rejects.toMatchObject({ code: 'ECONNRESET' })
})

it('bears that the connection is reset behind the head of an answer without a body', async () => {
  const get = await serve((_, response) => {
    // Without a length, so that only the end of the connection ends it.
    response.writeHead(200, { Connection: 'close' }).flushHeaders()
    response.socket?.resetAndDestroy()
  })
  expect(await (await get('/', { method: 'HEAD' })).bytes()).toEqual(new Uint8Array())
  await pause(50)
})

it('throws what was wrong with the connection', async () => {
  const get = await serve((_, response) => response.destroy())
  await expect(get()).rejects.toMatchObject({ code: 'ECONNRESET' })
  server?.close()
  await expect(get()).rejects.toMatchObject({ code: 'ECONNREFUSED' })
})

it('ends a request that nobody waits for any more, before its answer and in its body', async () => {
  const get = await serve((request, response) => {
    if (request.url === '/slow') return
    serveLarge(request, response)
  })
  const asking = new AbortController()
  const answer = get('/slow', { signal: asking.signal })
  await pause(50)
  asking.abort()
  await expect(answer).rejects.toMatchObject({ name: 'AbortError' })
  const reading = new AbortController()
  const { body } = await get('/', { signal: reading.signal })
  const gathered = gather(body)
  reading.abort()
  await expect(gathered).rejects.toThrow()
  await Promise.all(sockets.map(closed))
})

it('asks nothing for whom has left already', async () => {
  const get = await serve(serveLarge)
  await expect(get('/', { signal: AbortSignal.abort(new Error('gone')) })).rejects.toThrow('gone')
  await pause(20)
  expect(sockets).toEqual([])
})

it('outlives readers that cancel, abort, or both, wherever they are in the body', async () => {
  const leaver = await startChild([join(import.meta.dirname, 'read-and-leave.ts')], { ready: /(still here)/ })
  await leaver.stop()
  expect(leaver.caught).toBe('still here')
})

it('trusts no server whose certificate nobody vouches for', async () => {
  const trap = createHttpsServer(selfSigned, (_, response) => response.end('nothing'))
  trap.listen(0, '127.0.0.1')
  await once(trap, 'listening')
  const url = `https://127.0.0.1:${(trap.address() as AddressInfo).port}/`
  const asked = createObjectFetch()(url, { method: 'GET', headers: {}, signal: new AbortController().signal })
  await expect(asked).rejects.toMatchObject({ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' })
  trap.close()
})

it('asks through the proxy that Node is told to use', async () => {
  const asked: string[] = []
  await serve((request, response) => {
    asked.push(`${request.url}`)
    response.end('by proxy')
  })
  const reader = await startChild([join(import.meta.dirname, 'read-once.ts'), 'http://store.test/bucket/key'], {
    ready: /read (.*)/,
    env: { NODE_USE_ENV_PROXY: '1', HTTP_PROXY: origin, NO_PROXY: '' },
  })
  await reader.stop()
  expect([reader.caught, asked]).toEqual(['by proxy', ['http://store.test/bucket/key']])
})
