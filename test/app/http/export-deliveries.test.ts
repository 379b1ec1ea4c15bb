import { once } from 'node:events'
import { connect } from 'node:net'
import { expect, it, onTestFinished, vi } from 'vitest'
import type { DownloadOutcome } from '../../../src/ports/export-telemetry.ts'
import { parseObjectKey } from '../../../src/ports/object-key.ts'
import type { ObjectStore } from '../../../src/ports/object-store.ts'
import { createService, type Service, unending } from '../memory-service.ts'

const MiB = 2 ** 20
const bodyBytes = 24 * MiB

interface Told {
  readonly event: string
  readonly exportId: string
  readonly requestId: string
  readonly offset: number
  readonly lengthBytes: number
  readonly deliveredBytes: number
  readonly complete: boolean
  readonly outcome: DownloadOutcome
  readonly durationMs: number
}

/** A service with an export of one large file, over a socket, and what it tells of downloads. */
async function stage(wrap?: (memory: ObjectStore) => ObjectStore) {
  let bytes = 0
  const outcomes: DownloadOutcome[] = []
  const service = createService({
    ...(wrap === undefined ? {} : { wrap }),
    exportTelemetry: {
      delivered(more) {
        bytes += more
      },
      ended: (outcome) => void outcomes.push(outcome),
    },
  })
  await service.store.put(parseObjectKey('files/large.bin'), new Uint8Array(bodyBytes), {
    contentType: 'application/octet-stream',
    when: 'always',
    signal: unending,
  })
  const json = { include: [{ prefix: 'files/' }] }
  const answer = await service.request('/v1/exports', { method: 'POST', json })
  const made = (await answer.json()) as { id: string; url: string; bytes: number }
  const port = await service.listen()
  const url = `http://127.0.0.1:${port}${new URL(made.url).pathname}`
  return { service, port, url, id: made.id, zipBytes: made.bytes, outcomes, counted: () => bytes }
}

const lines = (service: Service, event: string) =>
  service.logLines.map((line) => JSON.parse(line) as Told).filter((told) => told.event === event)

/** The line of the only download, once it has ended. */
async function ended(service: Service): Promise<Told> {
  await vi.waitFor(() => expect(lines(service, 'export-download-ended')).toHaveLength(1), 10_000)
  const [told] = lines(service, 'export-download-ended')
  return told as Told
}

it('a download that arrives is told with all of its bytes', async () => {
  const { service, url, id, zipBytes, outcomes, counted } = await stage()
  const answer = await fetch(url, { headers: { 'x-request-id': 'r1' } })
  expect((await answer.arrayBuffer()).byteLength).toBe(zipBytes)
  const told = await ended(service)
  const about = { exportId: id, requestId: 'r1', offset: 0, lengthBytes: zipBytes }
  expect(told).toMatchObject({ ...about, deliveredBytes: zipBytes, complete: true, outcome: 'complete' })
  expect(told.durationMs).toBeGreaterThanOrEqual(0)
  expect(lines(service, 'export-download')).toMatchObject([about])
  expect([counted(), outcomes]).toEqual([zipBytes, ['complete']])
})

it('a range is told with its own bytes', async () => {
  const { service, url, counted } = await stage()
  const answer = await fetch(url, { headers: { range: 'bytes=1000-5000999' } })
  await answer.arrayBuffer()
  expect(await ended(service)).toMatchObject({ offset: 1000, deliveredBytes: 5_000_000, complete: true })
  expect(counted()).toBe(5_000_000)
})

it('a client that leaves has been given no less than it has read, and not all', async () => {
  const { service, url, zipBytes, outcomes, counted } = await stage()
  const leaving = new AbortController()
  const answer = await fetch(url, { signal: leaving.signal })
  const reader = (answer.body as ReadableStream<Uint8Array>).getReader()
  let readBytes = 0
  while (readBytes < MiB) readBytes += (await reader.read()).value?.byteLength ?? 0
  leaving.abort()
  const told = await ended(service)
  expect(told).toMatchObject({ complete: false, outcome: 'left' })
  expect(told.deliveredBytes).toBeGreaterThanOrEqual(readBytes)
  expect(told.deliveredBytes).toBeLessThan(zipBytes)
  expect([counted(), outcomes]).toEqual([told.deliveredBytes, ['left']])
})

it('a client that takes nothing and leaves is told as one that left', async () => {
  const { service, port, url } = await stage()
  const socket = connect(port, '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  await once(socket, 'connect')
  socket.pause()
  socket.write(`GET ${new URL(url).pathname} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`)
  await vi.waitFor(() => expect(lines(service, 'export-download')).toHaveLength(1), 10_000)
  socket.destroy()
  expect(await ended(service)).toMatchObject({ complete: false, outcome: 'left' })
})

it('a download that the store breaks is told as broken', async () => {
  let breaking = false
  let chunks = 0
  const { service, url, zipBytes, outcomes } = await stage((memory) => ({
    ...memory,
    async get(key, options) {
      const found = await memory.get(key, options)
      if (found === undefined || !breaking || key !== 'files/large.bin') return found
      // Replaced while it is being read: what broke off cannot go on.
      const changed = new TransformStream<Uint8Array, Uint8Array>({
        async transform(chunk, controller) {
          controller.enqueue(chunk)
          if (++chunks !== 10) return
          await memory.put(key, chunk, { contentType: 'a/b', when: 'always', signal: unending })
          controller.error(new Error('reset'))
        },
      })
      return { ...found, body: found.body.pipeThrough(changed) }
    },
  }))
  breaking = true
  await expect(fetch(url).then((answer) => answer.arrayBuffer())).rejects.toThrow()
  const told = await ended(service)
  expect(told).toMatchObject({ complete: false, outcome: 'broken' })
  expect(told.deliveredBytes).toBeLessThan(zipBytes)
  expect(outcomes).toEqual(['broken'])
})

it('what is refused before its first byte is no download', async () => {
  const { service, url, outcomes } = await stage()
  await service.request('/v1/objects/files/large.bin', { method: 'DELETE' })
  expect((await fetch(url)).status).toBe(409)
  expect((await fetch(url, { method: 'HEAD' })).status).toBe(409)
  expect([lines(service, 'export-download'), lines(service, 'export-download-ended'), outcomes]).toEqual([[], [], []])
})
