import { once } from 'node:events'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { ListObjectsV2Command } from '@aws-sdk/client-s3'
import { afterEach, expect, it } from 'vitest'
import { createS3Client } from '../../../src/adapters/s3/client.ts'

let server: Server | undefined
const sockets = new Set<Socket>()
afterEach(() => {
  for (const socket of sockets) socket.destroy()
  server?.close()
})

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

it.each([
  ['before its answer', () => {}],
  [
    'in the middle of its answer',
    (response: ServerResponse) => response.writeHead(200, { 'content-length': '1000' }).write('<ListBucketResult>'),
  ],
])('a request that is aborted %s lets go of its connection, also after a garbage collection', async (_, answer) => {
  server = createServer((_request, response) => void answer(response))
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket)).on('error', () => {})
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const credentials = { accessKeyId: 'key', secretAccessKey: 'secret' }
  const client = createS3Client({ endpoint, region: 'us-east-1', credentials })
  const leaving = new AbortController()
  const command = new ListObjectsV2Command({ Bucket: 'b' })
  const calls = Array.from({ length: 10 }, () =>
    client.send(command, { abortSignal: leaving.signal }).catch(() => 'left'),
  )
  await expect.poll(() => sockets.size).toBe(10)
  for (let i = 0; i < 3; i++) {
    collectGarbage()
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  leaving.abort()
  expect(await Promise.all(calls)).toEqual(Array.from({ length: 10 }, () => 'left'))
  await expect.poll(() => sockets.size).toBe(0)
})
