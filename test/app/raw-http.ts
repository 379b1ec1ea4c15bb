import { connect } from 'node:net'

export interface RawAnswer {
  /** 0 when the connection was closed without an answer. */
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
  /** All that came, one character for each byte. */
  readonly text: string
}

export type Bytes = string | Uint8Array

const hangMs = 8_000

/** Characters as bytes of the same value, so that a test may write any byte. */
export const latin1 = (text: string): Uint8Array => Buffer.from(text, 'latin1')

/**
 * Sends these bytes over a connection of its own and gives what came until the server closed it. With `hangUp` our side is
 * closed after the last byte. Rejects when the server neither answers nor closes: that is a hang.
 */
export function exchange(
  port: number,
  request: readonly Bytes[],
  options: { hangUp?: boolean } = {},
): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' })
    const received: Buffer[] = []
    const timer = setTimeout(() => {
      socket.destroy()
      reject(new Error(`neither answered nor closed after ${hangMs} ms: ${Buffer.concat(received).toString('latin1')}`))
    }, hangMs)
    const settle = () => {
      clearTimeout(timer)
      resolve(parse(Buffer.concat(received).toString('latin1')))
    }
    socket.on('data', (chunk) => received.push(chunk))
    // A reset is a way of closing; what came before it counts.
    socket.on('error', () => undefined)
    socket.on('close', settle)
    for (const bytes of request) socket.write(typeof bytes === 'string' ? latin1(bytes) : bytes)
    if (options.hangUp === true) socket.end()
  })
}

/** A whole request that asks the server to close behind it. `Host` and the length are added unless they are given. */
export function rawRequest(
  method: string,
  target: string,
  options: { headers?: readonly string[]; body?: Bytes; host?: string } = {},
): Bytes[] {
  const { headers = [], body, host = '127.0.0.1' } = options
  const has = (name: string) => headers.some((line) => line.toLowerCase().startsWith(`${name}:`))
  const lines = [
    `${method} ${target} HTTP/1.1`,
    ...(has('host') ? [] : [`Host: ${host}`]),
    'Connection: close',
    ...headers,
    ...(body === undefined || has('content-length') || has('transfer-encoding')
      ? []
      : [`Content-Length: ${typeof body === 'string' ? latin1(body).byteLength : body.byteLength}`]),
  ]
  return [`${lines.join('\r\n')}\r\n\r\n`, ...(body === undefined ? [] : [body])]
}

function parse(text: string): RawAnswer {
  const end = text.indexOf('\r\n\r\n')
  const [statusLine = '', ...lines] = text.slice(0, Math.max(0, end)).split('\r\n')
  const headers = new Map(
    lines.map((line) => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
    }),
  )
  return { status: Number(statusLine.split(' ')[1] ?? 0), headers, body: end === -1 ? '' : text.slice(end + 4), text }
}
