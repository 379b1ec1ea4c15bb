import { unzipSync } from 'fflate'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { jpeg } from '../domain/dataset/tiny-images.ts'
import type { MainJobTarget } from '../main-job/describe-main-job.ts'
import type { Child } from '../servers/child.ts'
import { type Answer, openPage } from './page.ts'
import { generationYaml, trainingYaml } from './training-yaml.ts'
import { openWorker } from './worker.ts'

type Json = Answer['json']
type Page = ReturnType<typeof openPage>

const loraBytes = new Uint8Array(300_000).map((_, index) => index % 251)
const image = new Uint8Array(jpeg({ width: 512, height: 512 }))

/** The calls of the dashboard as a browser makes them, in its order, and its answers read as it reads them. */
export function describeDashboard({ name, start, stop }: MainJobTarget): void {
  describe(`the existing dashboard on ${name}`, () => {
    let service: Child
    let baseUrl: string

    beforeAll(async () => {
      service = await start()
      baseUrl = service.caught.replace(/\/$/, '')
    })

    afterAll(async () => {
      await service?.stop()
      await stop?.()
    })

    it.each([
      ['a user who is logged in', { loggedIn: true, runPodToken: true }],
      ['a page that was loaded anew', { loggedIn: false }],
    ])('serves %s, from the upload to the last download', async (_, options) => {
      const page = openPage(baseUrl, options)
      const worker = openWorker(baseUrl)
      await readFirstScreen(page)

      const dataset = `set ${Math.random().toString(36).slice(2, 10)} #1`
      const folder = await uploadTraining(page, dataset)
      await cancelOne(page, folder)
      const training = await train(page, folder)
      const claimed = await worker.claim('training')
      expect(claimed).toMatchObject({ id: training, dataset: folder.split('/').at(-1) })
      expect(await worker.pull(claimed.dataset)).toHaveLength(3)
      await worker.report(claimed, { status: 'running', step: 5, totalSteps: 500 })
      expect(await processOf(page, training)).toMatchObject({
        status: 'running',
        progress: 1,
        step: 5,
        total_steps: 500,
      })
      await worker.store(claimed, 'lora/my_first_lora.safetensors', loraBytes)
      await worker.store(claimed, 'samples/step-500.jpg', image)
      await worker.report(claimed, { status: 'completed' })

      const generation = await generate(page)
      const generating = await worker.claim('generation')
      expect(generating).toMatchObject({ id: generation })
      for (const number of [1, 2, 3]) await worker.store(generating, `images/${number}.jpg`, image)
      await worker.report(generating, { status: 'completed' })

      await downloadFromProcesses(page, training, generation)
      await downloadFromDownloads(page, training, generation)
      await readLogs(page)
    })

    it('says what went wrong, where it is shown', async () => {
      const page = openPage(baseUrl, { loggedIn: true })
      expect(await page.fail(400, '/train', { method: 'POST', json: { config: 'job: [1' } })).toMatch(/line 1/)
      expect(await page.fail(404, '/processes/train_000000000000', { method: 'DELETE' })).toMatch(/no such/)
      await page.fail(404, '/download/train_000000000000')
      const ids = { process_ids: ['train_000000000000'], include_images: true, include_loras: true }
      expect(await page.fail(404, '/download/bulk', { method: 'POST', json: ids })).toContain('train_000000000000')
      await page.fail(400, '/files/download-direct', { method: 'POST', json: { file_path: '../../etc/passwd' } })
      await page.fail(404, '/logs/tail/none')
      expect(await page.fail(422, '/upload/training-data', { method: 'POST', form: form([], 'x') })).toMatch(/no files/)
      expect(await page.call('/health')).toMatchObject({ status: 200, json: { data: { status: 'healthy' } } })
    })
  })
}

async function readFirstScreen(page: Page): Promise<void> {
  const [{ processes }, { models }, files, logs, stats] = await Promise.all([
    page.succeed('/processes'),
    page.succeed('/lora'),
    page.succeed('/files/list'),
    page.succeed('/logs/tail/app?lines=100'),
    page.succeed('/logs/stats'),
  ])
  expect(processes).toBeInstanceOf(Array)
  expect(models).toBeInstanceOf(Array)
  const { lora_files, image_files, error } = files.data ?? files
  expect([lora_files, image_files]).toEqual([expect.any(Array), expect.any(Array)])
  expect(error).toBeUndefined()
  expect((logs.data ?? logs).lines).toBeInstanceOf(Array)
  for (const file of (stats.data ?? stats).files) {
    expect(file).toMatchObject({ name: expect.any(String), size: expect.any(Number) })
    expectTime(file.modified)
  }
}

function form(files: readonly File[], name: string): FormData {
  const sent = new FormData()
  for (const file of files) sent.append('files', file)
  sent.append('training_name', name)
  sent.append('trigger_word', '')
  sent.append('cleanup_existing', 'true')
  return sent
}

async function uploadTraining(page: Page, name: string): Promise<string> {
  const files = [
    new File([image], 'Zdjęcie 1.JPG', { type: 'image/jpeg' }),
    new File(['ohwx, a photo'], 'Zdjęcie 1.txt', { type: 'text/plain' }),
    new File([new Uint8Array(jpeg({ width: 64, height: 64 }))], 'small.jpg', { type: 'image/jpeg' }),
    new File([image], '2.jpg', { type: 'image/jpeg' }),
  ]
  const { data } = await page.succeed('/upload/training-data', { method: 'POST', form: form(files, name) })
  expect(data).toMatchObject({
    ...{ total_images: 2, total_captions: 1, debug_info: { total_files_failed: 1, all_files_failed: false } },
    detailed_message: expect.stringContaining('small.jpg'),
  })
  expect(data.uploaded_files[0]).toMatchObject({ filename: 'Zdjęcie 1.JPG', size_formatted: expect.any(String) })
  return data.training_folder
}

async function train(page: Page, folder: string): Promise<string> {
  const { data } = await page.succeed('/train', { method: 'POST', json: { config: trainingYaml(folder) } })
  expect(data.process_id).toMatch(/^[\w-]+$/)
  const process = await processOf(page, data.process_id)
  expect(process).toMatchObject({ type: 'training', status: 'pending', progress: 0, name: 'my_first_lora' })
  // The list carries what the page shows of a config; the worker gets all of it.
  const { config } = await page.succeed(`/v1/processes/${data.process_id}`)
  expect(config.config.process[0].datasets[0].folder_path).toBe(folder)
  return data.process_id
}

async function generate(page: Page): Promise<string> {
  const { models } = await page.succeed('/lora')
  const [lora] = models
  expect(lora).toMatchObject({ id: expect.any(String), name: expect.any(String), path: expect.any(String) })
  expect(models.every(({ size }: Json) => Number.isInteger(size))).toBe(true)
  expectTime(lora.created_at)
  const { data } = await page.succeed('/generate', { method: 'POST', json: { config: generationYaml(lora.path) } })
  const process = await processOf(page, data.process_id)
  expect(process).toMatchObject({ type: 'generation', status: 'pending' })
  expect(process.config.config.process[0].model.lora_path).toBe(lora.path)
  return data.process_id
}

async function cancelOne(page: Page, folder: string): Promise<void> {
  const id = await train(page, folder)
  await page.succeed(`/processes/${id}`, { method: 'DELETE' })
  expect(await processOf(page, id)).toMatchObject({ status: 'cancelled' })
}

/** From the list that the page polls, every entry of which must be fit to show. */
async function processOf(page: Page, id: string): Promise<Json> {
  const { processes } = await page.succeed('/processes')
  for (const each of processes) {
    expect(each).toMatchObject({ id: expect.stringMatching(/^[\w-]+$/), name: expect.stringMatching(/./) })
    expect(['training', 'generation']).toContain(each.type)
    expect(['pending', 'running', 'completed', 'failed', 'cancelled']).toContain(each.status)
    expect(`${each.progress}`).toMatch(/^\d{1,3}(\.\d{1,2})?$/)
    expectTime(each.created_at)
    for (const seconds of [each.elapsed_time, each.eta]) expect(Number.isInteger(seconds ?? 0)).toBe(true)
    if (each.gpu_id !== undefined && each.gpu_id !== null) expect(each.gpu_id).toBeTypeOf('string')
    expect(each.config).toBeTypeOf('object')
  }
  expect(new Set(processes.map((one: Json) => one.id)).size).toBe(processes.length)
  return processes.find((one: Json) => one.id === id)
}

async function downloadFromProcesses(page: Page, training: string, generation: string): Promise<void> {
  const { data } = await page.succeed(`/download/${training}`)
  const { bytes } = await page.navigate(data.url)
  expect(sizes(unzipSync(bytes))).toEqual([image.length, loraBytes.length])

  const ids = { process_ids: [training, generation], include_images: true, include_loras: true }
  const { data: bulk } = await page.succeed('/download/bulk', { method: 'POST', json: ids })
  expect(bulk).toMatchObject({ total_files: 5, total_size: loraBytes.length + 4 * image.length })
  for (const { url, size, type } of bulk.download_items) {
    expect(['image', 'lora', 'other']).toContain(type)
    expect((await page.navigate(url)).bytes.length).toBe(size)
  }
  const wanted = [...Array(4).fill(image.length), loraBytes.length]
  // The first of a burst of links arrives in any case: it is the zip of all.
  for (const url of [bulk.zip_url, bulk.download_items[0].url]) {
    expect(sizes(unzipSync((await page.navigate(url)).bytes))).toEqual(wanted)
  }
}

async function downloadFromDownloads(page: Page, training: string, generation: string): Promise<void> {
  const answer = await page.succeed('/files/list')
  const { lora_files, image_files } = answer.data ?? answer
  const all = [...lora_files, ...image_files]
  expect(new Set(all.map(({ id }) => id)).size).toBe(all.length)
  for (const file of all) {
    expect(file).toMatchObject({ filename: expect.any(String), path: expect.any(String), size: expect.any(Number) })
    expectTime(file.created_at)
  }
  const lora = lora_files.find(({ path }: Json) => path.includes(training))
  const direct = await page.succeed('/files/download-direct', { method: 'POST', json: { file_path: lora.path } })
  expect(Buffer.from(direct.data.data, 'base64').equals(loraBytes)).toBe(true)

  const images = image_files.filter(({ path }: Json) => path.includes(generation))
  expect(images).toHaveLength(3)
  const { data } = await page.succeed(`/download/${images[1].process_id}`)
  expect(data.url).toMatchObject({ type: 'file_data', filename: images[1].filename, content_type: expect.any(String) })
  expect(Buffer.from(data.url.data, 'base64').equals(image)).toBe(true)

  const ticked = images.slice(0, 2).map((one: Json) => one.process_id)
  const ids = { process_ids: [...ticked, ...ticked], include_images: true, include_loras: true }
  const { data: bulk } = await page.succeed('/download/bulk', { method: 'POST', json: ids })
  expect(bulk.total_files).toBe(2)
  expect(sizes(unzipSync((await page.navigate(bulk.zip_url)).bytes))).toEqual([image.length, image.length])
}

async function readLogs(page: Page): Promise<void> {
  const lines = async () => (await page.succeed('/logs/tail/requests')).data.lines as string[]
  expect((await lines()).some((line) => line.includes('INFO') && line.includes('/train'))).toBe(true)
  await page.succeed('/logs/requests', { method: 'DELETE' })
  expect((await lines()).some((line) => line.includes('/train'))).toBe(false)
}

const sizes = (files: Record<string, Uint8Array>) =>
  Object.values(files)
    .map(({ length }) => length)
    .sort((a, b) => a - b)

function expectTime(given: unknown): void {
  expect(given).toBeTypeOf('string')
  expect(Number.isNaN(Date.parse(`${given}`))).toBe(false)
}
