import { createHash } from 'node:crypto'
import { createReadStream, existsSync } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { expect, it, onTestFinished, type TestContext, vi } from 'vitest'
import { startService, temporaryFolder } from '../app/service-process.ts'
import { startFaultProxy } from '../faults/tcp-proxy.ts'
import { openChromium } from './chromium.ts'

const MiB = 2 ** 20
const fileBytes = 24 * MiB
const cutAtBytes = 30 * MiB

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}

/** A page of the service that has made an export of two results, and a proxy between the browser and the service. */
async function openPage(ctx: TestContext) {
  const chromium = await openChromium(ctx)
  onTestFinished(() => chromium.close())
  const service = startService({ DATA_DIR: await temporaryFolder() })
  const proxy = await startFaultProxy({ target: await service.url, seed: 1 })
  onTestFinished(() => proxy.stop())
  const body = Buffer.alloc(fileBytes, 'the bytes of a result, ')
  for (const name of ['a.safetensors', 'Zdjęcie 日本.safetensors']) {
    const path = `/v1/objects/results/p1/lora/${encodeURIComponent(name)}`
    expect((await fetch((await service.url) + path, { method: 'PUT', body })).status).toBe(201)
  }
  const page = await chromium.browser.newPage()
  await page.goto(proxy.origin)
  const made = await page.evaluate(async () => {
    const answer = await fetch('/v1/exports', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'wyniki ł', include: [{ process: 'p1' }] }),
    })
    return (await answer.json()) as { url: string; bytes: number }
  })
  const sha256 = createHash('sha256').update(await (await fetch(made.url)).bytes())
  return {
    chromium,
    proxy,
    bytes: made.bytes,
    sha256: sha256.digest('hex'),
    /** As a click on a link does. */
    async follow() {
      const begun = chromium.nextDownload()
      await page.evaluate((url) => location.assign(url), proxy.origin + new URL(made.url).pathname)
      return await begun
    },
  }
}

it('an export is saved by a browser that knows its length from the start', async (ctx) => {
  const { bytes, sha256, follow } = await openPage(ctx)
  const download = await follow()
  expect(download.suggestedFilename).toBe('wyniki ł.zip')
  expect(await download.ended()).toEqual({ state: 'completed', totalBytes: bytes, receivedBytes: bytes })
  expect(download.events[0]?.totalBytes).toBe(bytes)
  expect(await sha256Of(download.path)).toBe(sha256)
})

it('a browser goes on by itself where a connection was closed too early', async (ctx) => {
  const { proxy, bytes, sha256, follow } = await openPage(ctx)
  proxy.add({ direction: 'down', operation: 'any', which: 1 }, { toxic: 'close', at: { body: cutAtBytes } })
  const asked = proxy.exchanges.length
  const download = await follow()
  expect(await download.ended()).toEqual({ state: 'completed', totalBytes: bytes, receivedBytes: bytes })
  expect(await sha256Of(download.path)).toBe(sha256)
  expect(proxy.exchanges.slice(asked).map(({ status }) => status)).toEqual([200, 206])
})

it('a browser shows a download whose connection was reset as failed, and resumes it when it is told to', async (ctx) => {
  const { chromium, proxy, bytes, sha256, follow } = await openPage(ctx)
  proxy.add({ direction: 'down', operation: 'any', which: 1 }, { toxic: 'reset', at: { body: cutAtBytes } })
  const asked = proxy.exchanges.length
  const download = await follow()
  expect(await download.ended()).toMatchObject({ state: 'canceled', totalBytes: bytes })
  expect(existsSync(download.path)).toBe(false)

  const list = await chromium.browser.newPage()
  await list.goto('chrome://downloads')
  const resume = await list.waitForSelector('>>> #pause-or-resume')
  await resume?.evaluate((button) => (button as HTMLElement).click())
  // The browser tells of a download no more once it has failed; the file has its name when it is whole.
  await vi.waitFor(() => expect(existsSync(download.path)).toBe(true), { timeout: 30_000, interval: 50 })
  expect(await sha256Of(download.path)).toBe(sha256)
  expect(proxy.exchanges.slice(asked).map(({ status }) => status)).toEqual([200, 206])
})
