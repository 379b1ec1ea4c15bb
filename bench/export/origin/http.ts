import { type AddressInfo, createServer, type Socket } from 'node:net'
import type { InTurn } from './turns.ts'

export interface HttpRequest {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  /** By lower-case name. */
  readonly headers: ReadonlyMap<string, string>
  readonly body: Buffer
}

export interface HttpAnswer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string | number>>
  /** Of exactly this length, whatever is sent of it: HEAD has the length without the pieces. */
  readonly lengthBytes?: number
  readonly pieces?: Iterable<Uint8Array>
}

export type Answer = (request: HttpRequest) => HttpAnswer | Promise<HttpAnswer>

/**
 * HTTP/1.1 as far as S3 clients speak it: lengths known, connections kept. It has a sixth of the cost of `node:http`, so that the
 * server of a measurement leaves the processor to what is measured. An answer has its turn from the whole request to the last byte
 * that the system took. Resolves with the origin, on a free port of 127.0.0.1.
 */
export async function listen(answer: Answer, inTurn: InTurn): Promise<string> {
  const server = createServer({ noDelay: true }, (socket) => {
    // A client that leaves is no error of ours.
    serve(socket, answer, inTurn).catch(() => socket.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function serve(socket: Socket, answer: Answer, inTurn: InTurn): Promise<void> {
  let received: Buffer = Buffer.alloc(0)
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    received = received.byteLength === 0 ? chunk : Buffer.concat([received, chunk])
    for (let whole = parse(received); whole !== undefined; whole = parse(received)) {
      received = received.subarray(whole.bytes)
      const { request } = whole
      await inTurn(async () => send(socket, await answer(request)))
    }
  }
}

/** The request at the beginning of `received`, once all of it is there. */
function parse(received: Buffer): { request: HttpRequest; bytes: number } | undefined {
  const headBytes = received.indexOf('\r\n\r\n') + 4
  if (headBytes < 4) return undefined
  const [first = '', ...lines] = received.toString('latin1', 0, headBytes - 4).split('\r\n')
  const [method = '', target = ''] = first.split(' ')
  const headers = new Map(
    lines.map((line) => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
    }),
  )
  const bytes = headBytes + Number(headers.get('content-length') ?? 0)
  if (received.byteLength < bytes) return undefined
  const [path = '', query = ''] = target.split('?')
  const body = received.subarray(headBytes, bytes)
  const request = { method, path: decodeURIComponent(path), query: new URLSearchParams(query), headers, body }
  return { request, bytes }
}

async function send(socket: Socket, { status, headers = {}, lengthBytes = 0, pieces = [] }: HttpAnswer): Promise<void> {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  const length = status === 204 || status === 304 ? '' : `Content-Length: ${lengthBytes}\r\n`
  socket.cork()
  let hasRoom = socket.write(`HTTP/1.1 ${status} -\r\nDate: ${dateNow()}\r\n${length}${lines.join('')}\r\n`, 'latin1')
  for (const piece of pieces) {
    if (!hasRoom) {
      socket.uncork()
      await drained(socket)
      socket.cork()
    }
    hasRoom = socket.write(piece)
  }
  socket.uncork()
  if (!hasRoom) await drained(socket)
}

/** Resolves also when the client has gone: then there is nothing more to write. */
function drained(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    if (socket.destroyed) return reject(new Error('the client has gone'))
    const settle = () => {
      socket.off('drain', settle).off('close', settle)
      if (socket.destroyed) reject(new Error('the client has gone'))
      else resolve()
    }
    socket.on('drain', settle).on('close', settle)
  })
}

let date = { second: 0, text: '' }

function dateNow(): string {
  const second = Math.floor(Date.now() / 1000)
  if (second !== date.second) date = { second, text: new Date(second * 1000).toUTCString() }
  return date.text
}
