// Reads one URL to its end and prints what came of it as JSON. `node main.ts URL [FILE]`: the body is counted, and kept in
// FILE where one is named. It reads into one buffer, again and again: a third of the cost of `node:http`, so that the client
// leaves the processor to what is measured.
import { openSync, writeSync } from 'node:fs'
import { connect } from 'node:net'
import type { Delivery } from './delivery.ts'
import { chunked, type Framing, knownLength } from './framing.ts'

const bufferBytes = 256 * 1024

const [given = '', file] = process.argv.slice(2)
const { hostname, port, host, pathname, search } = new URL(given)
const descriptor = file === undefined ? undefined : openSync(file, 'w')
const startedAtMs = performance.now()

let head = Buffer.alloc(0)
let framing: Framing | undefined
let delivered: Delivery = { status: 0, bytes: 0, firstByteMs: Number.NaN, wallMs: Number.NaN }

/** What came behind the head, once all of the head is here. */
function readHead(received: Buffer): Buffer | undefined {
  head = Buffer.concat([head, received])
  const end = head.indexOf('\r\n\r\n')
  if (end === -1) return undefined
  const text = head.toString('latin1', 0, end)
  const length = /^content-length: *(\d+)/im.exec(text)?.[1]
  framing = length === undefined ? chunked() : knownLength(Number(length))
  delivered = {
    ...delivered,
    status: Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1] ?? 0),
    ...(length !== undefined && { contentLength: Number(length) }),
  }
  return head.subarray(end + 4)
}

function readBody(received: Buffer, { body, isComplete }: Framing): void {
  let { bytes, firstByteMs } = delivered
  for (const piece of body(received)) {
    if (bytes === 0) firstByteMs = performance.now() - startedAtMs
    bytes += piece.byteLength
    if (descriptor !== undefined) writeSync(descriptor, piece)
  }
  delivered = { ...delivered, bytes, firstByteMs }
  if (!isComplete()) return
  process.stdout.write(JSON.stringify({ ...delivered, wallMs: performance.now() - startedAtMs }))
  socket.destroy()
}

const socket = connect({
  host: hostname,
  port: Number(port),
  onread: {
    buffer: Buffer.alloc(bufferBytes),
    callback(count, buffer) {
      const received = Buffer.from(buffer.buffer, buffer.byteOffset, count)
      const body = framing === undefined ? readHead(received) : received
      if (body !== undefined && framing !== undefined) readBody(body, framing)
      return true
    },
  },
})
socket.write(`GET ${pathname}${search} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
socket.once('end', () => {
  process.stderr.write(`the answer broke off: ${JSON.stringify(delivered)}\n${head.toString('latin1', 0, 500)}\n`)
  process.exitCode = 1
})
