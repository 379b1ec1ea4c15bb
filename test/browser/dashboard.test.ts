import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { Page } from 'puppeteer-core'
import { expect, it, onTestFinished, type TestContext } from 'vitest'
import { startService } from '../app/started-process.ts'
import { temporaryFolder } from '../app/temporary-folder.ts'
import { trainingYaml } from '../dashboard/training-yaml.ts'
import { openWorker } from '../dashboard/worker.ts'
import { type Chromium, type Download, openChromium } from './chromium.ts'
import { serveDashboardPage } from './dashboard-page.ts'

const MiB = 2 ** 20
const samples = join(import.meta.dirname, '../data/training-set/good')

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}

async function openDashboard(ctx: TestContext) {
  const chromium = await openChromium(ctx)
  onTestFinished(() => chromium.close())
  const origin = await serveDashboardPage({ yaml: trainingYaml('output') })
  const folder = await temporaryFolder()
  const service = startService({ DATA_DIR: folder, CORS_ORIGINS: origin })
  const api = await service.url
  const page = await chromium.browser.newPage()
  const faults: string[] = []
  page.on('pageerror', (error) => faults.push(`${error}`))
  const show = async () => {
    await page.goto(`${origin}/?api=${api}`)
    await page.waitForFunction('window.ready === true')
  }
  await show()
  return { chromium, page, api, show, faults, root: join(folder, 'lora-dashboard'), worker: openWorker(api) }
}

const click = (page: Page, selector: string) => page.locator(selector).click()

/** What the page says, as soon as it begins so. */
async function said(page: Page, beginning: string): Promise<string> {
  await page.waitForFunction(
    (wanted) => document.getElementById('said')?.textContent?.startsWith(wanted),
    {},
    beginning,
  )
  return page.$eval('#said', ({ textContent }) => textContent ?? '')
}

const jobShown = (page: Page, id: string, status: string) =>
  page.waitForSelector(`#jobs [data-id="${id}"][data-status="${status}"]`)

async function completed(chromium: Chromium, act: () => Promise<unknown>): Promise<Download> {
  const begun = chromium.nextDownload()
  await act()
  const download = await begun
  const { state, totalBytes, receivedBytes } = await download.ended()
  expect({ state, receivedBytes }).toEqual({ state: 'completed', receivedBytes: totalBytes })
  return download
}

it('a page of another origin uploads, trains, polls, cancels and downloads', { timeout: 90_000 }, async (ctx) => {
  const { chromium, page, worker, show, faults } = await openDashboard(ctx)
  const input = await page.waitForSelector('input[type=file]')
  const image = join(samples, 'beach_03.jpeg')
  await (input as NonNullable<typeof input> & { uploadFile(...paths: string[]): Promise<void> }).uploadFile(image)
  await page.type('#name', 'zażółć #1: $& test')
  await click(page, '#upload')
  expect(await said(page, 'uploaded')).toBe('uploaded 1 images, 0 captions, 0 failed')

  await click(page, '#train')
  const cancelled = (await said(page, 'started')).slice('started '.length)
  await jobShown(page, cancelled, 'pending')
  await page.evaluate((id) => (document.querySelector(`#jobs [data-id="${id}"]`) as HTMLElement).click(), cancelled)
  await jobShown(page, cancelled, 'cancelled')

  await click(page, '#train')
  await page.waitForFunction((id) => document.querySelector('#said')?.textContent !== `started ${id}`, {}, cancelled)
  const training = (await said(page, 'started')).slice('started '.length)
  const claimed = await worker.claim('training')
  expect(claimed.id).toBe(training)
  expect(await worker.pull(claimed.dataset)).toEqual(['beach_03.jpeg'])
  await worker.report(claimed, { status: 'running', step: 250, totalSteps: 500 })
  await page.waitForFunction(() => document.querySelector('#jobs')?.textContent?.includes('running 50%'))
  const bytes = await readFile(image)
  for (const number of [1, 2, 3]) await worker.store(claimed, `samples/${number}.jpg`, new Uint8Array(bytes))
  await worker.report(claimed, { status: 'completed' })
  await jobShown(page, training, 'completed')
  await show()

  // As base64, saved by the page itself.
  const one = await completed(chromium, () => click(page, '#images li:nth-child(2) button'))
  expect(one.suggestedFilename).toMatch(/^[123]\.jpg$/)
  expect(await sha256Of(one.path)).toBe(createHash('sha256').update(bytes).digest('hex'))
  // A link in a window of its own: it is saved, and not shown.
  const zip = await completed(chromium, () => click(page, '#bulk'))
  expect(zip.suggestedFilename).toBe('downloads.zip')
  // Of a burst of links a browser lets two through at most: the zip, which has all of them, is the first.
  const before = chromium.downloads.length
  const first = await completed(chromium, () => click(page, '#each'))
  expect(first.suggestedFilename).toBe('downloads.zip')
  await new Promise((resolve) => setTimeout(resolve, 1500))
  expect(chromium.downloads.length - before).toBeLessThanOrEqual(2)
  expect(faults).toEqual([])
})

it('a LoRA of 300 MB and 500 images arrive on the first click', { timeout: 120_000 }, async (ctx) => {
  const { chromium, page, root, worker, api, show } = await openDashboard(ctx)
  const started = async (name: string) => {
    const json = JSON.stringify({ type: 'training', name })
    const made = await fetch(`${api}/v1/processes`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: json,
    })
    expect(made.status).toBe(201)
    return worker.claim('training')
  }
  // Put there as a pod does that has the volume mounted.
  const put = async (path: string, write: (path: string) => Promise<unknown>) => {
    await mkdir(dirname(join(root, 'results', path)), { recursive: true })
    await write(join(root, 'results', path))
  }
  const lora = await started('large')
  const loraBytes = 300 * MiB
  await put(`${lora.id}/lora/large.safetensors`, async (path) => {
    const file = await open(path, 'w')
    await file.truncate(loraBytes)
    await file.write(Buffer.from('the end'), 0, 7, loraBytes - 7)
    await file.close()
  })
  await worker.report(lora, { status: 'running' })
  await worker.report(lora, { status: 'completed' })
  const sampler = openWorker(api)
  const json = JSON.stringify({ type: 'generation', name: 'many' })
  await fetch(`${api}/v1/processes`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: json })
  const images = await sampler.claim('generation')
  for (let i = 0; i < 500; i++) await put(`${images.id}/images/${i}.png`, (path) => writeFile(path, `image ${i}`))
  await show()

  await jobShown(page, lora.id, 'completed')
  const large = await completed(chromium, () =>
    page.evaluate((id) => (document.querySelector(`#jobs [data-id="${id}"]`) as HTMLElement).click(), lora.id),
  )
  expect(large.suggestedFilename).toBe('large.safetensors')
  expect(large.events[0]?.totalBytes).toBe(loraBytes)
  expect(await sha256Of(large.path)).toBe(await sha256Of(join(root, `results/${lora.id}/lora/large.safetensors`)))

  const zip = await completed(chromium, () => click(page, '#bulk'))
  expect(await said(page, 'Downloading')).toBe('Downloading 500 files')
  // The count of entries in the record at its end.
  const end = (await readFile(zip.path)).subarray(-22)
  expect([end.readUInt32LE(0), end.readUInt16LE(10)]).toEqual([0x0605_4b50, 500])
})
