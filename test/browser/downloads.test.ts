import { createHash } from 'node:crypto'
import { createReadStream, existsSync } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { expect, it, onTestFinished, type TestContext, vi } from 'vitest'
import { startService } from '../app/started-process.ts'
import { temporaryFolder } from '../app/temporary-folder.ts'
import { startFaultProxy } from '../faults/tcp-proxy.ts'
import { type Chromium, openChromium } from './chromium.ts'

const MiB = 2 ** 20
const fileBytes = 24 * MiB
const cutAtBytes = 30 * MiB

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}

const patience = { timeout: 30_000, interval: 50 }

/** As a user does in the browser's list of downloads. */
async function resumeFromList({ browser }: Chromium): Promise<void> {
  const list = await browser.newPage()
  await list.goto('chrome://downloads')
  const resume = await list.waitForSelector('>>> #pause-or-resume')
  await resume?.evaluate((button) => (button as HTMLElement).click())
}

/** A page of the service that has made an export of two results, and a proxy between the browser and the service. */
async function openPage(ctx: TestContext) {
  const chromium = await openChromium(ctx)
  onTestFinished(() => chromium.close())
  const service = startService({ DATA_DIR: await temporaryFolder() })
  const proxy = await startFaultProxy({ target: await service.url, seed: 1 })
  onTestFinished(() => proxy.stop())
  const origin = await service.url
  const put = (name: string, body: Buffer<ArrayBuffer>) =>
    fetch(`${origin}/v1/objects/results/p1/lora/${encodeURIComponent(name)}`, { method: 'PUT', body })
  const [first, last] = ['Zdjęcie 日本.safetensors', 'a.safetensors']
  const body = Buffer.alloc(fileBytes, 'the bytes of a result, ')
  for (const name of [first, last]) expect((await put(name, body)).status).toBe(201)
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
    /** Another version of the file that comes last in the archive. */
    async replaceLast() {
      expect((await put(last, Buffer.from('another'))).status).toBe(200)
    },
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

  await resumeFromList(chromium)
  // The browser tells of a download no more once it has failed; the file has its name when it is whole.
  await vi.waitFor(() => expect(existsSync(download.path)).toBe(true), patience)
  expect(await sha256Of(download.path)).toBe(sha256)
  expect(proxy.exchanges.slice(asked).map(({ status }) => status)).toEqual([200, 206])
})

it('a browser that resumes when a file was replaced in the meantime is refused, and has no file', async (ctx) => {
  const { chromium, proxy, follow, replaceLast } = await openPage(ctx)
  proxy.add({ direction: 'down', operation: 'any', which: 1 }, { toxic: 'reset', at: { body: cutAtBytes } })
  const asked = proxy.exchanges.length
  const download = await follow()
  expect(await download.ended()).toMatchObject({ state: 'canceled' })
  await replaceLast()
  await resumeFromList(chromium)
  await vi.waitFor(() => expect(proxy.exchanges.slice(asked).map(({ status }) => status)).toEqual([200, 409]), patience)
  expect(existsSync(download.path)).toBe(false)
})
