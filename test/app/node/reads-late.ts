// A process that asks a server for an object, and reads its body only after the server has ended the connection. Prints how
// that ended.
import { createServer } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { createS3Client } from '../../../src/adapters/s3/client.ts'
import { dialectOf } from '../../../src/adapters/s3/dialect.ts'
import { createS3ObjectStore } from '../../../src/adapters/s3/object-store.ts'
import { createIds } from '../../../src/adapters/web-crypto/ids.ts'
import { survivePausedBodyEnds } from '../../../src/app/node/paused-body-end.ts'
import { parseObjectKey } from '../../../src/ports/object-key.ts'

let ends = 0
if (process.argv.includes('--survive')) {
  survivePausedBodyEnds(() => {
    ends += 1
  })
}

const body = Buffer.alloc(64 * 1024, 'a')
const server = createServer((socket) => {
  socket.on('error', () => {})
  socket.once('data', () => {
    const head = ['HTTP/1.1 200 OK', `Content-Length: ${body.length}`, 'ETag: "e"', 'Connection: close', '', ''].join(
      '\r\n',
    )
    socket.write(head)
    socket.write(body)
    socket.end()
  })
})
server.listen(0, '127.0.0.1', async () => {
  const { port } = server.address() as { port: number }
  const client = createS3Client({
    endpoint: `http://127.0.0.1:${port}`,
    region: 'us-east-1',
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
  })
  const store = createS3ObjectStore({
    client,
    bucket: 'b',
    prefix: '',
    ids: createIds(),
    dialect: dialectOf('generic', undefined),
  })
  const { signal } = new AbortController()
  const found = await store.get(parseObjectKey('k'), { signal })
  await pause(500)
  const read = await new Response(found?.body).arrayBuffer().then(
    ({ byteLength }) => `${byteLength} bytes`,
    (error: { code?: string }) => `${error.code}`,
  )
  process.stdout.write(JSON.stringify({ ends, read }))
  process.exit(0)
})
