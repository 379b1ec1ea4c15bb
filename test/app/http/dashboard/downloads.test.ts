import { unzipSync } from 'fflate'
import { describe, expect, it } from 'vitest'
import { maxInlineBytes } from '../../../../src/app/http/dashboard/file-data.ts'
import { fileId } from '../../../../src/app/http/dashboard/file-id.ts'
import { parseObjectKey } from '../../../../src/ports/object-key.ts'
import { createService, publicUrl, type Service, type ServiceOptions, unending } from '../../memory-service.ts'
import { processClient } from '../processes.ts'

interface FileData {
  readonly type: string
  readonly data: string
  readonly filename: string
  readonly content_type: string
  readonly size: number
}

interface Item {
  readonly filename: string
  readonly url: string
  readonly size: number
  readonly type: string
}

interface Bulk {
  readonly download_items: readonly Item[]
  readonly zip_url: string
  readonly total_files: number
  readonly total_size: number
}

async function put(service: Service, files: Record<string, string | Uint8Array>) {
  for (const [key, body] of Object.entries(files)) {
    const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body
    const options = { contentType: 'image/png', when: 'always', signal: unending } as const
    await service.store.put(parseObjectKey(key), bytes, options)
  }
}

/** A finished process of that name, with its results. */
async function finished(service: Service, id: string, results: Record<string, string>, name = id) {
  const client = processClient(service)
  await client.made({ id, name })
  await client.claim(id)
  await client.reported(id, { seq: 0, status: 'completed' })
  await put(service, Object.fromEntries(Object.entries(results).map(([path, body]) => [`results/${id}/${path}`, body])))
}

async function ask<Data>(service: Service, path: string, json?: unknown) {
  const answer = await service.request(path, json === undefined ? {} : { method: 'POST', json })
  const text = await answer.text()
  const length = answer.headers.get('content-length')
  if (length !== null) expect(Number(length)).toBe(new TextEncoder().encode(text).length)
  return { status: answer.status, ...(JSON.parse(text) as { success: boolean; message?: string; data: Data }) }
}

/** As a new window opens it: nothing but the address. */
async function open(service: Service, url: string) {
  expect(url.startsWith(`${publicUrl}/`)).toBe(true)
  const answer = await service.fetch(new Request(url))
  expect(answer.status).toBe(200)
  return {
    disposition: answer.headers.get('content-disposition') ?? '',
    bytes: new Uint8Array(await answer.arrayBuffer()),
  }
}

const unzipped = (bytes: Uint8Array) =>
  Object.fromEntries(Object.entries(unzipSync(bytes)).map(([name, body]) => [name, new TextDecoder().decode(body)]))

const idOf = (key: string) => fileId(parseObjectKey(key))
const everything = { include_images: true, include_loras: true }

async function twoJobs(options: ServiceOptions = {}) {
  const service = createService(options)
  await finished(service, 'train_1', { 'lora/m.safetensors': 'weights', 'samples/1.png': 'one' }, 'Zażółć')
  await finished(service, 'gen_1', { 'images/1.png': 'two', 'images/2.png': 'three' })
  return service
}

describe('GET /download/{id of a file}', () => {
  it('is the file itself, as the dashboard saves it', async () => {
    const service = await twoJobs()
    const { data } = await ask<{ url: FileData }>(service, `/download/${idOf('results/gen_1/images/2.png')}`)
    expect(data.url).toEqual({
      ...{ type: 'file_data', filename: '2.png', content_type: 'image/png', size: 5 },
      data: Buffer.from('three').toString('base64'),
    })
  })

  it.each(['results/gen_1/images/gone.png', 'results/gen_1/images/"data":"'])(
    'of %j says that there is none',
    async (key) => {
      const answer = await ask(await twoJobs(), `/download/${idOf(key)}`)
      expect(answer).toMatchObject({ status: 404, success: false, message: 'no such file' })
    },
  )

  it('keeps a name apart from the bytes, whatever it is', async () => {
    const service = createService()
    const name = '","data":"u0000" ż.png'
    await put(service, { [`files/${name}`]: 'a' })
    const { data } = await ask<{ url: FileData }>(service, `/download/${idOf(`files/${name}`)}`)
    expect(data.url).toMatchObject({ filename: name, data: 'YQ==' })
  })
})

describe('GET /download/{id of a process}', () => {
  it('is a zip of all that it made, under the name that its user gave it', async () => {
    const service = await twoJobs()
    const { data } = await ask<{ url: string }>(service, '/download/train_1')
    const { disposition, bytes } = await open(service, data.url)
    expect(disposition).toMatch(/^attachment;.*filename\*=UTF-8''Za%C5%BC%C3%B3%C5%82%C4%87\.zip/)
    expect(unzipped(bytes)).toEqual({ 'train_1/lora/m.safetensors': 'weights', 'train_1/samples/1.png': 'one' })
  })

  it('is the LoRA when it made nothing else', async () => {
    const service = createService()
    await finished(service, 'train_1', { 'lora/m.safetensors': 'weights' })
    const { data } = await ask<{ url: string }>(service, '/download/train_1')
    const { disposition, bytes } = await open(service, data.url)
    expect(disposition).toContain('attachment; filename="m.safetensors"')
    expect(new TextDecoder().decode(bytes)).toBe('weights')
    expect(await service.keys('exports/')).toEqual([])
  })

  it('says that there is no such process, that it goes on, or that it made nothing', async () => {
    const service = createService()
    await finished(service, 'empty', {})
    await processClient(service).made({ id: 'queued' })
    expect(await ask(service, '/download/unknown')).toMatchObject({
      status: 404,
      success: false,
      message: 'no such process',
    })
    expect(await ask(service, '/download/queued')).toMatchObject({ status: 409, message: 'the process is queued' })
    expect(await ask(service, '/download/empty')).toMatchObject({ status: 404, message: 'empty has no results' })
  })
})

describe('POST /files/download-direct', () => {
  it.each([
    'results/train_1/lora/m.safetensors',
    'lora-dashboard/results/train_1/lora/m.safetensors',
    '/workspace/lora-dashboard/results/train_1/lora/m.safetensors',
  ])('finds %s', async (path) => {
    const { status, data } = await ask<FileData>(await twoJobs(), '/files/download-direct', { file_path: path })
    expect(status).toBe(200)
    expect(data).toMatchObject({ type: 'file_data', filename: 'm.safetensors', size: 7 })
    expect(Buffer.from(data.data, 'base64').toString()).toBe('weights')
  })

  it.each([
    ['results/train_1/lora/gone.safetensors', 404],
    ['processes/state/train_1.json', 404],
    ['lora-dashboard/processes/state/train_1.json', 404],
    ['results/../processes/state/train_1.json', 400],
    ['/etc/passwd', 404],
    ['', 400],
  ])('refuses %j', async (path, status) => {
    const answer = await ask(await twoJobs(), '/files/download-direct', { file_path: path })
    expect(answer).toEqual({ status, success: false, message: expect.stringMatching(/./) })
  })

  it('of a file that the dashboard could not save is an error, with a link', async () => {
    const service = createService()
    await put(service, { 'results/t/lora/most.safetensors': new Uint8Array(maxInlineBytes + 1).fill(7) })
    const path = 'results/t/lora/most.safetensors'
    const answer = await ask<{ url: string }>(service, '/files/download-direct', { file_path: path })
    expect(answer).toMatchObject({ status: 413, success: false, message: expect.stringContaining('Processes tab') })
    expect((await open(service, answer.data.url)).bytes.length).toBe(maxInlineBytes + 1)
    const byId = await ask<{ url: string }>(service, `/download/${idOf(path)}`)
    expect(byId).toMatchObject({ status: 200, data: { url: expect.stringContaining('/v1/links/') } })
  })
})

describe('POST /download/bulk', () => {
  it('gives a zip, and a link for each file, of processes and files alike, each once', async () => {
    const service = await twoJobs()
    const file = idOf('results/gen_1/images/2.png')
    const ids = ['train_1', file, 'train_1', file]
    const { status, data } = await ask<Bulk>(service, '/download/bulk', { process_ids: ids, ...everything })
    expect(status).toBe(200)
    expect(data.download_items.map(({ filename, size, type }) => [filename, size, type])).toEqual([
      ['downloads.zip', expect.any(Number), 'other'],
      ['m.safetensors', 7, 'lora'],
      ['1.png', 3, 'image'],
      ['2.png', 5, 'image'],
    ])
    expect(data).toMatchObject({ total_files: 3, total_size: 15, zip_url: data.download_items[0]?.url })
    const zip = await open(service, data.zip_url)
    expect(zip.bytes.length).toBe(data.download_items[0]?.size)
    expect(unzipped(zip.bytes)).toEqual({
      'train_1/lora/m.safetensors': 'weights',
      'train_1/samples/1.png': 'one',
      '2.png': 'three',
    })
    for (const { url, filename, size } of data.download_items) {
      const { disposition, bytes } = await open(service, url)
      expect(disposition).toContain(`attachment; filename="${filename}"`)
      expect(bytes.length).toBe(size)
    }
  })

  it.each([
    [{ include_images: true, include_loras: false }, ['1.png', '1.png', '2.png']],
    [{ include_images: false, include_loras: true }, ['m.safetensors']],
  ])('gives no more than was ticked: %j', async (include, names) => {
    const ids = ['train_1', 'gen_1', idOf('results/train_1/lora/m.safetensors')]
    const { data } = await ask<Bulk>(await twoJobs(), '/download/bulk', { process_ids: ids, ...include })
    expect(data.download_items.slice(1).map(({ filename }) => filename)).toEqual(names)
  })

  it('says what is not among it, and why', async () => {
    const service = await twoJobs()
    await finished(service, 'empty', {})
    await processClient(service).made({ id: 'queued' })
    const gone = 'results/gen_1/images/gone.png'
    const ids = ['gen_1', 'unknown', 'a b', 'queued', 'empty', idOf(gone)]
    const { status, message, data } = await ask<Bulk>(service, '/download/bulk', { process_ids: ids, ...everything })
    expect(status).toBe(200)
    expect(data.total_files).toBe(2)
    expect(message).toBe(
      `2 files. Not found: unknown, a b, ${gone}. Not finished: queued. Without files of that kind: empty.`,
    )
  })

  it('says how many files it lacks for their names', async () => {
    const wrap: ServiceOptions['wrap'] = (memory) => ({
      ...memory,
      list: async (options) => ({
        ...(await memory.list(options)),
        ...(options.prefix.startsWith('results/gen_1/images/') && { leftOut: 2 }),
      }),
    })
    const { message } = await ask(await twoJobs({ wrap }), '/download/bulk', { process_ids: ['gen_1'], ...everything })
    expect(message).toBe('2 files. Left out, because their names cannot be keys: 2.')
  })

  it('is an error when nothing is left, and says why', async () => {
    const service = createService()
    await processClient(service).made({ id: 'queued' })
    const ids = ['queued', idOf('results/a/lora/b'), ...Array.from({ length: 30 }, (_, index) => `u${index}`)]
    const answer = await ask(service, '/download/bulk', { process_ids: ids, ...everything })
    expect(answer).toMatchObject({ status: 404, success: false })
    expect(answer.message).toMatch(/^0 files\. Not found: u0, .*u19 and 11 more\. Not finished: queued\.$/)
    expect(await service.keys('exports/')).toEqual([])
  })

  it.each([
    [{ process_ids: [] }, /process_ids/],
    [{ process_ids: 'train_1' }, /process_ids/],
    [{ process_ids: [7] }, /process_ids/],
    [{ process_ids: ['a'], include_images: false, include_loras: false }, /Neither/],
  ])('refuses %j', async (json, message) => {
    const answer = await ask(createService(), '/download/bulk', json)
    expect(answer).toEqual({ status: 400, success: false, message: expect.stringMatching(message) })
  })

  it('costs one look for each of 500 images, and one export', async () => {
    let looks = 0
    const service = createService({
      wrap: (store) => ({
        ...store,
        head: (...given) => {
          looks += 1
          return store.head(...given)
        },
      }),
    })
    const keys = Array.from({ length: 500 }, (_, index) => `results/g/images/${index}.png`)
    await put(service, Object.fromEntries(keys.map((key) => [key, 'x'])))
    const { data } = await ask<Bulk>(service, '/download/bulk', { process_ids: keys.map(idOf), ...everything })
    expect(data.download_items).toHaveLength(501)
    expect(looks).toBe(500)
    expect(Object.keys(unzipped((await open(service, data.zip_url)).bytes))).toHaveLength(500)
  })
})
