import { expect, it } from 'vitest'
import { createService } from '../memory-service.ts'

it('is logged as 499, and not as an error of ours, when a client leaves in the middle of its upload', async () => {
  const service = createService()
  const leaving = new AbortController()
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      controller.enqueue(new Uint8Array(1024))
      leaving.abort()
      controller.error(new Error('the connection was lost'))
    },
  })
  await service.request('/v1/objects/files/left.bin', { method: 'PUT', body, signal: leaving.signal })
  const lines = service.logLines.map((line) => JSON.parse(line) as { event: string; level: string; status?: number })
  expect(lines.find(({ event }) => event === 'request')).toMatchObject({ status: 499 })
  expect(lines.filter(({ level }) => level === 'error')).toEqual([])
  expect(await service.keys('files/')).toEqual([])
})
