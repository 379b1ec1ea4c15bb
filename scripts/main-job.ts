import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { unzipSync } from 'fflate'

/** What `expected.json` of the sample set says. */
interface Expected {
  readonly good: readonly ({ readonly name: string } & Readonly<Record<string, unknown>>)[]
  readonly bad: readonly { readonly name: string; readonly code: string }[]
}

export interface MainJobOptions {
  readonly baseUrl: string
  /** A folder with `good/`, `bad/` and `expected.json`. */
  readonly samples: string
  readonly token?: string
  /** Told of every step as it ends. */
  readonly onStep?: (step: string, durationMs: number) => void
}

export interface MainJobResult {
  readonly files: number
  readonly zipBytes: number
}

/**
 * The whole main job as a client does it, over HTTP alone: upload the sample set, create a process, report it to
 * completion, push a result, export everything and compare the zip byte for byte. Throws at the first thing that is not
 * as it should be. May be run again and again against one service.
 */
export async function runMainJob({
  baseUrl,
  samples,
  token,
  onStep = () => {},
}: MainJobOptions): Promise<MainJobResult> {
  const run = Math.random().toString(36).slice(2, 10)
  const dataset = `main-job-${run}`
  const expected = JSON.parse(await readFile(join(samples, 'expected.json'), 'utf8')) as Expected
  const good = await readFolder(join(samples, 'good'))
  const bad = await readFolder(join(samples, 'bad'))
  const authorization: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` }

  const call = async <T>(method: string, path: string, wanted: number, body?: unknown, headers = {}): Promise<T> => {
    const sent = body instanceof FormData || body instanceof Uint8Array || body === undefined
    const answer = await fetch(new URL(path, baseUrl), {
      method,
      headers: { ...authorization, ...(sent ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body: sent ? (body as BodyInit) : JSON.stringify(body) }),
    })
    const text = await answer.text()
    demand(
      answer.status === wanted,
      `${method} ${path} answered ${answer.status} instead of ${wanted}: ${text.slice(0, 500)}`,
    )
    return (text === '' ? undefined : JSON.parse(text)) as T
  }
  const step = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    const startedAt = performance.now()
    const result = await work()
    onStep(name, performance.now() - startedAt)
    return result
  }

  await step(`upload ${good.size} good and ${bad.size} bad files in one form`, async () => {
    const report = await call<UploadReport>('POST', `/v1/datasets/${dataset}/files`, 207, formOf(good, bad))
    compareReport(report, expected)
  })

  await step('upload the same again: nothing is written', async () => {
    const { totals } = await call<UploadReport>('POST', `/v1/datasets/${dataset}/files`, 200, formOf(good, new Map()))
    demand(totals.unchanged === good.size, `${totals.unchanged} of ${good.size} files were recognised`)
  })

  await step('read the dataset back, images with their captions', async () => {
    const { files, triggerWord } = await call<Dataset>('GET', `/v1/datasets/${dataset}`, 200)
    demand(triggerWord === 'ohwx', 'the trigger word was not remembered')
    const images = files.filter(({ kind }) => kind === 'image')
    demand(images.length === 13 && images.every(({ caption }) => caption !== undefined), 'captions are not paired')
  })

  const { id } = await step('create a process', () =>
    call<Process>(
      'POST',
      '/v1/processes',
      201,
      { type: 'training', name: `main job ${run}`, dataset },
      { 'idempotency-key': run },
    ),
  )

  await step('report it from start to completion', async () => {
    const totalSteps = 5
    for (let seq = 1; seq <= totalSteps; seq++) {
      const status = seq === totalSteps ? 'completed' : 'running'
      const report = { worker: 'main-job', attempt: 1, seq, status, step: seq, totalSteps, metrics: { loss: 1 / seq } }
      const { applied } = await call<{ applied: boolean }>('POST', `/v1/processes/${id}/reports`, 200, report)
      demand(applied, `report ${seq} was not applied`)
    }
    const { status, progress } = await call<Process>('GET', `/v1/processes/${id}`, 200)
    demand(status === 'completed' && progress.percent === 100, `the process is ${status} at ${progress.percent} %`)
    const { processes } = await call<{ processes: Process[] }>('GET', '/v1/processes?status=completed', 200)
    demand(
      processes.some((process) => process.id === id),
      'the list does not have the process',
    )
  })

  // Above one part, so that it travels as a multipart upload.
  const model = patternedBytes(20 * 2 ** 20 + 17)
  await step('push a 20 MiB result', async () => {
    const path = `/v1/objects/results/${id}/lora/model.safetensors`
    const digest = `sha-256=:${createHash('sha256').update(model).digest('base64')}:`
    const receipt = await call<Receipt>('PUT', path, 201, model, { 'content-digest': digest })
    demand(receipt.crc32 === crcHex(model), 'the receipt has another checksum')
  })

  const zip = await step('export dataset and results as one zip', async () => {
    const include = [{ dataset }, { process: id }]
    const made = await call<Export>('POST', '/v1/exports', 201, { name: `main job ${run}`, include })
    demand(made.files === good.size + 1, `the export has ${made.files} files`)
    const answer = await fetch(made.url)
    const length = Number(answer.headers.get('content-length'))
    const bytes = new Uint8Array(await answer.arrayBuffer())
    demand(
      answer.status === 200 && bytes.length === made.bytes && length === made.bytes,
      'the zip has another length than announced',
    )
    const middle = await fetch(made.url, { headers: { range: 'bytes=1000-99999' } })
    const part = new Uint8Array(await middle.arrayBuffer())
    demand(middle.status === 206 && equal(part, bytes.subarray(1000, 100_000)), 'a range differs from the whole')
    return bytes
  })

  await step('compare the zip byte for byte', async () => {
    const found = unzipSync(zip)
    const wanted = new Map([...good].map(([name, bytes]) => [`${dataset}/${name}`, bytes]))
    wanted.set(`${id}/lora/model.safetensors`, model)
    demand(Object.keys(found).length === wanted.size, 'the zip has other files')
    for (const [name, bytes] of wanted) {
      const inside = found[name]
      demand(inside !== undefined && equal(inside, bytes), `${name} differs in the zip`)
    }
  })

  await step('download one file by a signed link', async () => {
    const name = 'Zdjęcie łódź 日本 11.jpg'
    const { links } = await call<{ links: { url: string }[] }>('POST', '/v1/links', 200, {
      keys: [`dataset/${dataset}/${name}`],
    })
    const answer = await fetch(links[0]?.url ?? '')
    demand(equal(new Uint8Array(await answer.arrayBuffer()), good.get(name) ?? model), 'the linked file differs')
  })

  await step('clean up', async () => {
    await call('DELETE', `/v1/objects/results/${id}/lora/model.safetensors`, 204)
    await call('DELETE', `/v1/datasets/${dataset}`, 204)
    await call('DELETE', `/v1/processes/${id}`, 204)
    await call('GET', `/v1/datasets/${dataset}`, 404)
  })
  return { files: good.size + 1, zipBytes: zip.length }
}

interface UploadReport {
  readonly files: readonly ({ name: string; status: string; problem?: { code: string } } & Record<string, unknown>)[]
  readonly totals: { readonly stored: number; readonly unchanged: number; readonly rejected: number }
}
interface Dataset {
  readonly triggerWord: string | null
  readonly files: readonly { readonly kind: string; readonly caption?: string }[]
}
interface Process {
  readonly id: string
  readonly status: string
  readonly progress: { readonly percent: number | null }
}
interface Receipt {
  readonly crc32: string
}
interface Export {
  readonly url: string
  readonly files: number
  readonly bytes: number
}

function compareReport(report: UploadReport, expected: Expected): void {
  const byName = new Map(report.files.map((file) => [file.name, file]))
  for (const wanted of expected.good) {
    const found = byName.get(wanted.name)
    demand(found?.status === 'stored', `${wanted.name} was not stored: ${JSON.stringify(found)}`)
    for (const [member, value] of Object.entries(wanted)) {
      demand(found[member] === value, `${wanted.name}: ${member} is ${found[member]} instead of ${value}`)
    }
  }
  for (const { name, code } of expected.bad) {
    const found = byName.get(name)
    const refused = found?.status === 'rejected' && found.problem?.code === code
    demand(refused, `${name} was not refused with ${code}: ${JSON.stringify(found)}`)
  }
}

function demand(holds: boolean, otherwise: string): asserts holds {
  if (!holds) throw new Error(otherwise)
}

async function readFolder(folder: string): Promise<Map<string, Uint8Array<ArrayBuffer>>> {
  const names = (await readdir(folder)).sort()
  const read = await Promise.all(
    names.map(async (name) => [name, new Uint8Array(await readFile(join(folder, name)))] as const),
  )
  return new Map(read)
}

function formOf(...folders: readonly ReadonlyMap<string, Uint8Array<ArrayBuffer>>[]): FormData {
  const form = new FormData()
  for (const folder of folders) {
    for (const [name, bytes] of folder) form.append('files', new Blob([bytes]), name)
  }
  form.append('triggerWord', 'ohwx')
  return form
}

function patternedBytes(length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length)
  for (let i = 0, x = 1; i < length; i++) {
    x = (Math.imul(x, 1_103_515_245) + 12_345) >>> 0
    bytes[i] = x >>> 24
  }
  return bytes
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}

function crcHex(bytes: Uint8Array): string {
  return crc32(bytes).toString(16).padStart(8, '0')
}
