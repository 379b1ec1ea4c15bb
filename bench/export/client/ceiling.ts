// What the store can give, with nothing between: `node ceiling.ts URL FILES CONNECTIONS` reads all files of a dataset, whose
// names are numbered below URL, over so many connections, and prints a Delivery of them together.
import { connect } from 'node:net'
import type { Delivery } from './delivery.ts'

const bufferBytes = 256 * 1024

const [given = '', files = '', connections = ''] = process.argv.slice(2)
const { hostname, port, host, pathname } = new URL(given)
const startedAtMs = performance.now()
let index = 0
let bytes = 0
let firstByteMs = Number.NaN

/** Reads files, one after another, until there are none left. */
function readFiles(): Promise<void> {
  return new Promise((resolve, reject) => {
    let leftBytes = 0
    const ask = () => {
      if (index === Number(files)) return socket.end(resolve)
      const path = `${pathname}${`${index++}`.padStart(6, '0')}.bin`
      return socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
    }
    const take = (received: Buffer) => {
      let body = received
      if (leftBytes === 0) {
        // Heads are written in one go, and are short.
        const end = received.indexOf('\r\n\r\n') + 4
        leftBytes = Number(/content-length: (\d+)/i.exec(received.toString('latin1', 0, end))?.[1])
        body = received.subarray(end)
      }
      if (bytes === 0) firstByteMs = performance.now() - startedAtMs
      bytes += body.byteLength
      leftBytes -= body.byteLength
      if (leftBytes === 0) ask()
    }
    const socket = connect({
      host: hostname,
      port: Number(port),
      onread: {
        buffer: Buffer.alloc(bufferBytes),
        callback(count, buffer) {
          take(Buffer.from(buffer.buffer, buffer.byteOffset, count))
          return true
        },
      },
    })
    socket.once('error', reject)
    ask()
  })
}

await Promise.all(Array.from({ length: Number(connections) }, readFiles))
const delivery: Delivery = { status: 200, bytes, firstByteMs, wallMs: performance.now() - startedAtMs }
process.stdout.write(JSON.stringify(delivery))
