import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, it } from 'vitest'

const MiB = 2 ** 20
const files = Number(process.env.MEMORY_FILES ?? 400)
const boundary = 'the-boundary-of-this-form'
const encoder = new TextEncoder()

/** A PNG of 1 MiB in structure: the pixels are noise, and nobody decodes them here. */
function png(): Uint8Array {
  const bytes = new Uint8Array(MiB)
  crypto.getRandomValues(bytes.subarray(0, 65_536))
  for (let offset = 65_536; offset < MiB; offset += 65_536) bytes.copyWithin(offset, 0, 65_536)
  const view = new DataView(bytes.buffer)
  const chunk = (offset: number, length: number, type: string) => {
    view.setUint32(offset, length)
    bytes.set(encoder.encode(type), offset + 4)
  }
  bytes.set([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
  chunk(8, 13, 'IHDR')
  view.setUint32(16, 1024)
  view.setUint32(20, 1024)
  bytes.set([8, 2, 0, 0, 0], 24)
  chunk(33, MiB - 33 - 12 - 12, 'IDAT')
  chunk(MiB - 12, 0, 'IEND')
  return bytes
}

function formBody(count: number): ReadableStream<Uint8Array> {
  const file = png()
  let sent = 0
  return new ReadableStream({
    pull(controller) {
      if (sent === count) {
        controller.enqueue(encoder.encode(`\r\n--${boundary}--\r\n`))
        return controller.close()
      }
      const head = `\r\n--${boundary}\r\nContent-Disposition: form-data; name="files"; filename="image-${sent}.png"\r\n\r\n`
      controller.enqueue(encoder.encode(sent === 0 ? head.slice(2) : head))
      controller.enqueue(file)
      sent += 1
    },
  })
}

function residentBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024
}

it(`grows by less than 128 MiB while a form of ${files} × 1 MiB passes to a store that takes 50 ms a put`, async (ctx) => {
  if (process.platform !== 'linux') ctx.skip('reads the resident size from /proc')
  const service = spawn(process.execPath, [join(import.meta.dirname, 'serve-slow-store.ts')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    const [url] = (await once(createInterface({ input: service.stdout }), 'line')) as [string]
    const upload = async (count: number) => {
      const answer = await fetch(`${url}/v1/datasets/memory-${count}/files`, {
        method: 'POST',
        headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
        body: formBody(count),
        duplex: 'half',
      } as RequestInit)
      return { status: answer.status, report: (await answer.json()) as { totals: { stored: number } } }
    }
    // What any first request loads is not what a large one holds.
    await upload(2)
    const pid = service.pid ?? 0
    const before = residentBytes(pid)
    let peak = before
    const sampling = setInterval(() => {
      peak = Math.max(peak, residentBytes(pid))
    }, 20)
    const startedAt = performance.now()
    const { status, report } = await upload(files)
    clearInterval(sampling)
    expect(status).toBe(200)
    expect(report.totals.stored).toBe(files)
    const seconds = (performance.now() - startedAt) / 1000
    process.stdout.write(
      `memory: ${((peak - before) / MiB).toFixed(0)} MiB above ${(before / MiB).toFixed(0)} MiB, ${seconds.toFixed(1)} s\n`,
    )
    expect((peak - before) / MiB).toBeLessThan(128)
  } finally {
    service.kill()
  }
})
