import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { jpeg } from '../domain/dataset/tiny-images.ts'
import { startService } from './started-process.ts'
import { temporaryFolder } from './temporary-folder.ts'

const MiB = 2 ** 20
const files = Number(process.env.DASHBOARD_MEMORY_FILES ?? 4)
const boundary = 'the-boundary-of-this-form'
const encoder = new TextEncoder()

/** As the dashboard sends it: what names the dataset comes behind all files. */
function formBody(count: number): ReadableStream<Uint8Array> {
  // What follows the end of a JPEG is allowed.
  const file = new Uint8Array(50 * MiB)
  file.set(jpeg({ width: 512, height: 512 }))
  let sent = 0
  return new ReadableStream({
    pull(controller) {
      const start = `${sent === 0 ? '' : '\r\n'}--${boundary}\r\nContent-Disposition: form-data; `
      if (sent === count) {
        controller.enqueue(encoder.encode(`${start}name="training_name"\r\n\r\nlarge-${count}\r\n--${boundary}--\r\n`))
        return controller.close()
      }
      controller.enqueue(encoder.encode(`${start}name="files"; filename="image-${sent}.jpg"\r\n\r\n`))
      for (let from = 0; from < file.length; from += MiB) controller.enqueue(file.subarray(from, from + MiB))
      sent += 1
    },
  })
}

function residentBytes(pid: number): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024
}

it(`grows by less than 128 MiB while the dashboard sends ${files} × 50 MiB and names their dataset last`, {
  timeout: 120_000,
  retry: 2,
}, async (ctx) => {
  if (process.platform !== 'linux') ctx.skip('reads the resident size from /proc')
  const service = startService({ DATA_DIR: await temporaryFolder() })
  const url = await service.url
  const upload = async (count: number) => {
    const answer = await fetch(`${url}/upload/training-data`, {
      method: 'POST',
      headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
      body: formBody(count),
      duplex: 'half',
    } as RequestInit)
    expect(answer.status).toBe(200)
    return (await answer.json()) as { data: { total_images: number } }
  }
  // What any first request loads is not what a large one holds.
  await upload(1)
  const before = residentBytes(service.pid)
  let peak = before
  const sampling = setInterval(() => {
    peak = Math.max(peak, residentBytes(service.pid))
  }, 20)
  const startedAt = performance.now()
  const { data } = await upload(files)
  clearInterval(sampling)
  expect(data.total_images).toBe(files)
  const seconds = (performance.now() - startedAt) / 1000
  process.stdout.write(
    `dashboard upload: ${((peak - before) / MiB).toFixed(0)} MiB above ${(before / MiB).toFixed(0)} MiB, ${seconds.toFixed(1)} s\n`,
  )
  expect((peak - before) / MiB).toBeLessThan(128)
})
