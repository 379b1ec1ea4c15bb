import { once } from 'node:events'
import { Agent, createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it, onTestFinished } from 'vitest'
import type { Aim, Toxic } from './proxy/toxics.ts'
import { createRandom } from './random.ts'
import { startFaultProxy } from './tcp-proxy.ts'

interface Seen {
  readonly method: string
  readonly target: string
  readonly body: Buffer
  /** The request came to its end. */
  readonly whole: boolean
}

type Respond = (request: IncomingMessage, response: ServerResponse) => void

const echo: Respond = (_, response) => response.end('fine')

/** An origin that keeps what it was sent, behind a proxy. */
async function withProxy(respond: Respond = echo) {
  const seen: Seen[] = []
  const sockets = new Set<object>()
  const server: Server = createServer(async (incoming, response) => {
    const chunks: Buffer[] = []
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
    incoming.on('error', () => {})
    await new Promise((resolve) => incoming.once('close', resolve))
    seen.push({
      method: incoming.method ?? '',
      target: incoming.url ?? '',
      body: Buffer.concat(chunks),
      whole: incoming.complete,
    })
    if (incoming.complete) respond(incoming, response)
  })
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    socket.on('error', () => {})
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const proxy = await startFaultProxy({
    target: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seed: 1,
  })
  onTestFinished(async () => {
    await proxy.stop()
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  return {
    proxy,
    seen,
    sockets,
    spoil: (aim: Partial<Aim>, toxic: Toxic) => proxy.add({ ...anyAnswer, ...aim }, toxic),
  }
}

const anyAnswer: Aim = { direction: 'down', operation: 'any', which: 1 }

interface Result {
  readonly status: number | undefined
  readonly body: string
  readonly complete: boolean
  readonly code: string | undefined
  readonly localPort: number | undefined
}

/** As plain `node:http` sees it. Rejects for nothing: what went wrong is in `code`. */
async function send(
  origin: string,
  target = '/bucket/key',
  { method = 'GET', body = '', agent }: { method?: string; body?: string | Uint8Array; agent?: Agent } = {},
): Promise<Result> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    let answer: IncomingMessage | undefined
    let code: string | undefined
    const sent = request(new URL(target, origin), { method, ...(agent === undefined ? {} : { agent }) })
    const settle = () =>
      resolve({
        status: answer?.statusCode,
        body: Buffer.concat(chunks).toString(),
        complete: answer?.complete ?? false,
        code,
        localPort: sent.socket?.localPort,
      })
    const fail = (error: NodeJS.ErrnoException) => {
      code ??= error.code
      settle()
    }
    sent.on('error', fail)
    sent.on('response', (incoming) => {
      answer = incoming
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
      incoming.on('error', fail)
      incoming.on('close', settle)
    })
    sent.end(body)
  })
}

const elapsed = async (work: () => Promise<unknown>) => {
  const startedAt = performance.now()
  await work()
  return performance.now() - startedAt
}

const eventually = async (holds: () => boolean) => {
  for (let tries = 0; tries < 200 && !holds(); tries++) await sleep(10)
  expect(holds()).toBe(true)
}

it('changes nothing without toxics, several requests a connection', async () => {
  const { proxy, seen, sockets } = await withProxy((incoming, response) => response.end(`${incoming.method}`))
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  onTestFinished(() => agent.destroy())
  const ports = new Set<number | undefined>()
  for (const [method, body] of [
    ['PUT', 'one'],
    ['GET', ''],
    ['PUT', 'two'],
  ] as const) {
    const result = await send(proxy.origin, '/bucket/a%20b', { method, body, agent })
    expect(result).toMatchObject({ status: 200, body: method, complete: true, code: undefined })
    ports.add(result.localPort)
  }
  expect(ports.size).toBe(1)
  expect(seen.map(({ body }) => body.toString())).toEqual(['one', '', 'two'])
  expect(proxy.exchanges).toMatchObject([
    { operation: 'PutObject', key: 'a b', announcedBytes: 3, status: 200 },
    { operation: 'GetObject' },
    { operation: 'PutObject' },
  ])
  expect(proxy.connections()).toEqual({ client: 1, origin: 1, busy: 0 })
  expect(sockets.size).toBe(1)
  agent.destroy()
  await eventually(() => proxy.connections().client === 0 && proxy.connections().origin === 0 && sockets.size === 0)
})

it('tells chunked bodies, HEAD and empty answers apart from the next answer', async () => {
  const { proxy } = await withProxy((incoming, response) => {
    if (incoming.method === 'DELETE') return response.writeHead(204).end()
    if (incoming.method === 'HEAD') return response.writeHead(200, { 'content-length': 7 }).end()
    // Two chunks, and no length.
    response.write('0\r\n\r\nnot the end;')
    return response.end('end')
  })
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  onTestFinished(() => agent.destroy())
  for (const method of ['HEAD', 'GET', 'DELETE', 'GET', 'HEAD']) await send(proxy.origin, '/b/k', { method, agent })
  expect(proxy.exchanges.map(({ status }) => status)).toEqual([200, 200, 204, 200, 200])
  expect(proxy.connections()).toEqual({ client: 1, origin: 1, busy: 0 })
})

it.each([
  ['PUT', '/b/k?x-id=PutObject', 'PutObject'],
  ['PUT', '/b/k?partNumber=2&uploadId=u', 'UploadPart'],
  ['POST', '/b/k?uploads', 'CreateMultipartUpload'],
  ['POST', '/b/k?uploadId=u', 'CompleteMultipartUpload'],
  ['DELETE', '/b/k?uploadId=u', 'AbortMultipartUpload'],
  ['GET', '/b/k?uploadId=u', 'ListParts'],
  ['GET', '/b?list-type=2&prefix=a', 'ListObjectsV2'],
  ['GET', '/b/?list-type=2', 'ListObjectsV2'],
  ['GET', '/b?uploads', 'ListMultipartUploads'],
  ['POST', '/b?delete', 'DeleteObjects'],
  ['HEAD', '/b', 'HeadBucket'],
  ['OPTIONS', '/b/k', 'Preflight'],
] as const)('%s %s is %s', async (method, target, operation) => {
  const { proxy } = await withProxy()
  await send(proxy.origin, target, { method })
  expect(proxy.exchanges.map((exchange) => exchange.operation)).toEqual([operation])
})

it('spoils the n-th request of an operation only, until it is taken back', async () => {
  const { proxy, spoil } = await withProxy()
  const takeBack = spoil({ operation: 'GetObject', which: [2, 3] }, { toxic: 'reset', at: { message: 0 } })
  const codes: (string | undefined)[] = []
  for (const method of ['GET', 'PUT', 'GET', 'PUT']) codes.push((await send(proxy.origin, '/b/k', { method })).code)
  expect(codes).toEqual([undefined, undefined, 'ECONNRESET', undefined])
  takeBack()
  expect((await send(proxy.origin)).code).toBeUndefined()
})

it.each(['reset', 'close'] as const)('%s in an answer lets the bytes before it pass', async (toxic) => {
  const { proxy, seen, spoil } = await withProxy((_, response) =>
    response.writeHead(200, { 'content-length': 1000 }).end('x'.repeat(1000)),
  )
  spoil({}, { toxic, at: { body: 400 } })
  expect(await send(proxy.origin)).toEqual(
    expect.objectContaining({ status: 200, body: 'x'.repeat(400), complete: false, code: 'ECONNRESET' }),
  )
  spoil({}, { toxic, at: { body: -1 } })
  expect((await send(proxy.origin)).body).toHaveLength(999)
  spoil({}, { toxic, at: { message: 0 } })
  expect(await send(proxy.origin)).toMatchObject({ status: undefined, code: 'ECONNRESET' })
  // The origin has done its work each time.
  expect(seen.map(({ whole }) => whole)).toEqual([true, true, true])
})

it('a reset is an RST and a close a FIN', async () => {
  const { proxy, spoil } = await withProxy()
  const ending = async () => {
    const socket = connect(Number(new URL(proxy.origin).port), '127.0.0.1')
    const ended = new Promise<string>((resolve) => {
      socket.once('error', (error: NodeJS.ErrnoException) => resolve(`${error.code}`))
      socket.once('end', () => resolve('end'))
    })
    socket.resume().write('GET /b/k HTTP/1.1\r\nHost: x\r\n\r\n')
    const how = await ended
    socket.destroy()
    return how
  }
  spoil({}, { toxic: 'reset', at: { message: 3 } })
  expect(await ending()).toBe('ECONNRESET')
  spoil({}, { toxic: 'close', at: { message: 3 } })
  expect(await ending()).toBe('end')
})

it.each(['reset', 'close'] as const)('%s in a request keeps the rest of it from the origin', async (toxic) => {
  const { proxy, seen, spoil } = await withProxy()
  spoil({ direction: 'up' }, { toxic, at: { body: 300 } })
  const { code, status } = await send(proxy.origin, '/b/k', { method: 'PUT', body: 'y'.repeat(1000) })
  expect([code, status]).toEqual(['ECONNRESET', undefined])
  await eventually(() => seen.length === 1)
  expect(seen[0]).toMatchObject({ whole: false, body: Buffer.from('y'.repeat(300)) })
})

it('a stall lets nothing through, and ends at the origin when the client leaves', async () => {
  const { proxy, sockets, spoil } = await withProxy((_, response) => response.end('x'.repeat(100)))
  spoil({}, { toxic: 'stall', at: { body: 10 } })
  const received: Buffer[] = []
  const sent = request(`${proxy.origin}/b/k`).on('error', () => {})
  sent.on('response', (answer) => answer.on('error', () => {}).on('data', (chunk: Buffer) => received.push(chunk)))
  sent.end()
  await eventually(() => Buffer.concat(received).length === 10)
  await sleep(50)
  expect(Buffer.concat(received)).toHaveLength(10)
  expect(proxy.connections().busy).toBe(1)
  sent.destroy()
  await eventually(() => sockets.size === 0 && proxy.connections().busy === 0)
})

it('a stall of a request ends at the origin when the client leaves', async () => {
  const { proxy, seen, spoil } = await withProxy()
  spoil({ direction: 'up' }, { toxic: 'stall', at: { body: 5 } })
  const sent = request(`${proxy.origin}/b/k`, { method: 'PUT' }).on('error', () => {})
  sent.end('z'.repeat(2 ** 20))
  await eventually(() => proxy.exchanges.length === 1)
  await sleep(50)
  expect(seen).toEqual([])
  sent.destroy()
  await eventually(() => seen.length === 1)
  expect(seen[0]).toMatchObject({ whole: false, body: Buffer.from('zzzzz') })
})

it('latency comes once for each message, bandwidth and slices with every byte', async () => {
  const { proxy, spoil } = await withProxy((_, response) => response.end('x'.repeat(3000)))
  spoil({}, { toxic: 'latency', delayMs: 100, jitterMs: 20 })
  expect(await elapsed(() => send(proxy.origin))).toBeGreaterThan(95)
  spoil({}, { toxic: 'bandwidth', bytesPerSecond: 10_000 })
  expect(await elapsed(() => send(proxy.origin))).toBeGreaterThan(250)
  spoil({}, { toxic: 'slicer', pieceBytes: 100, delayMs: 5 })
  expect(await elapsed(() => send(proxy.origin))).toBeGreaterThan(140)
  spoil({ direction: 'up' }, { toxic: 'bandwidth', bytesPerSecond: 10_000 })
  expect(await elapsed(() => send(proxy.origin, '/b/k', { method: 'PUT', body: 'y'.repeat(3000) }))).toBeGreaterThan(
    250,
  )
})

it('slices arrive one by one and make the same whole', async () => {
  const { proxy, spoil } = await withProxy((_, response) => response.end('abcdefgh'))
  spoil({}, { toxic: 'slicer', pieceBytes: 1, delayMs: 1 })
  const socket = connect(Number(new URL(proxy.origin).port), '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  let pieces = 0
  let text = ''
  socket.on('data', (chunk) => {
    pieces += 1
    text += chunk
  })
  socket.write('GET /b/k HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
  await once(socket, 'end')
  expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n.*\r\n\r\nabcdefgh$/s)
  expect(pieces).toBeGreaterThan(text.length / 2)
})

it('a slow close comes later than the last byte', async () => {
  const { proxy, spoil } = await withProxy((_, response) => response.writeHead(200, { connection: 'close' }).end('x'))
  spoil({}, { toxic: 'slow-close', delayMs: 150 })
  const socket = connect(Number(new URL(proxy.origin).port), '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  socket.write('GET /b/k HTTP/1.1\r\nHost: x\r\n\r\n')
  await once(socket, 'data')
  expect(await elapsed(() => once(socket.resume(), 'end'))).toBeGreaterThan(140)
})

it('flips one bit, up and down', async () => {
  const { proxy, seen, spoil } = await withProxy((_, response) => response.end('abc'))
  spoil({ direction: 'up' }, { toxic: 'flip', at: { body: 1 } })
  spoil({}, { toxic: 'flip', at: { body: -1 } })
  expect((await send(proxy.origin, '/b/k', { method: 'PUT', body: 'abc' })).body).toBe('abb')
  expect(seen[0]?.body.toString()).toBe('acc')
})

it('refuses so many connections, resets those that stand, and then listens again', async () => {
  const { proxy } = await withProxy()
  const agent = new Agent({ keepAlive: true })
  onTestFinished(() => agent.destroy())
  await send(proxy.origin, '/b/k', { agent })
  expect(proxy.connections().client).toBe(1)
  await proxy.refuse(2)
  expect(proxy.connections().client).toBe(0)
  expect((await send(proxy.origin)).code).toBe('ECONNREFUSED')
  await expect(fetch(proxy.origin)).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } })
  await sleep(5)
  expect((await send(proxy.origin)).status).toBe(200)
})

it('refuses for ever until it may accept again', async () => {
  const { proxy } = await withProxy()
  await proxy.refuse('ever')
  for (let tries = 0; tries < 5; tries++) expect((await send(proxy.origin)).code).toBe('ECONNREFUSED')
  await proxy.accept()
  expect((await send(proxy.origin)).status).toBe(200)
})

it('tells of a request before it reaches the origin, and of the end of its answer', async () => {
  const { proxy, seen } = await withProxy()
  const told: string[] = []
  proxy.watch((event, { operation }) => told.push(`${event} ${operation} ${seen.length}`))
  await send(proxy.origin, '/b/k', { method: 'PUT', body: 'x' })
  expect(told).toEqual(['asked PutObject 0', 'answered PutObject 1'])
})

it('the same seed gives the same numbers', () => {
  const numbers = (seed: number) => {
    const random = createRandom(seed)
    return [random.fraction(), random.integer(1, 6), random.pick(['a', 'b', 'c']), ...random.bytes(5)]
  }
  expect(numbers(7)).toEqual(numbers(7))
  expect(numbers(7)).not.toEqual(numbers(8))
  const random = createRandom(3)
  for (let i = 0; i < 1000; i++) {
    expect(random.integer(2, 4)).toBeOneOf([2, 3, 4])
    expect(random.fraction()).toBeLessThan(1)
  }
})
