// A process that reads objects of several sizes and leaves each of them in several ways: it cancels, aborts, or both, at once or
// a moment later. Prints `still here` if nothing of that ended it.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { createObjectFetch } from '../../../src/adapters/node-http/object-fetch.ts'

type Reader = ReadableStreamDefaultReader<Uint8Array>

const cancel = (reader: Reader) => void reader.cancel().catch(() => {})
const aMoment = () => pause(5)

const ways: readonly ((reader: Reader, leaving: AbortController) => void | Promise<void>)[] = [
  (_, leaving) => leaving.abort(),
  (reader, leaving) => {
    cancel(reader)
    leaving.abort()
  },
  (reader, leaving) => {
    leaving.abort()
    cancel(reader)
  },
  async (reader, leaving) => {
    cancel(reader)
    await aMoment()
    leaving.abort()
  },
]

const server = createServer(({ url }, response) => {
  const body = Buffer.alloc(Number(url?.slice(1)))
  response.setHeader('Content-Length', body.byteLength).end(body)
})
server.listen(0, '127.0.0.1', async () => {
  const objectFetch = createObjectFetch()
  for (const sizeBytes of [0, 10, 100_000, 3_000_000]) {
    for (const leave of ways) {
      for (const chunks of [0, 1, 2]) {
        for (const arrived of [false, true]) {
          const leaving = new AbortController()
          const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/${sizeBytes}`
          const { body } = await objectFetch(url, { method: 'GET', headers: {}, signal: leaving.signal })
          const reader = (body as ReadableStream<Uint8Array>).getReader()
          for (let chunk = 0; chunk < chunks; chunk++) await reader.read()
          if (arrived) await aMoment()
          await leave(reader, leaving)
          await aMoment()
        }
      }
    }
  }
  process.stdout.write('still here\n')
  server.closeAllConnections()
  server.close()
})
