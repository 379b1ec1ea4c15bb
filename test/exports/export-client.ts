import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

const samplesFolder = join(import.meta.dirname, '../data/training-set/good')

/** What `POST /v1/exports` answers, as far as it is needed here. */
export interface MadeExport {
  readonly url: string
  readonly bytes: number
  readonly etag: string
  readonly files: number
  readonly entries: readonly { readonly name: string; readonly key: string; readonly size: number }[]
}

/** Throws when the answer is not the status that is wanted. */
async function call(origin: string, path: string, wanted: number, init: RequestInit): Promise<unknown> {
  const answer = await fetch(`${origin}${path}`, init)
  const text = await answer.text()
  if (answer.status !== wanted) throw new Error(`${init.method} ${path} answered ${answer.status}: ${text}`)
  return text === '' ? undefined : JSON.parse(text)
}

export async function makeExport(origin: string, include: readonly Record<string, unknown>[]): Promise<MadeExport> {
  return (await call(origin, '/v1/exports', 201, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'proof', include }),
  })) as MadeExport
}

export async function putObject(origin: string, key: string, body: string | Uint8Array<ArrayBuffer>): Promise<void> {
  const path = key.split('/').map(encodeURIComponent).join('/')
  await call(origin, `/v1/objects/${path}`, 201, { method: 'PUT', body })
}

/** Uploads all good files of the sample set in one form. Returns the SHA-256 of each by its name. */
export async function uploadSamples(origin: string, dataset: string): Promise<Map<string, string>> {
  const form = new FormData()
  const hashes = new Map<string, string>()
  for (const name of await readdir(samplesFolder)) {
    const bytes = await readFile(join(samplesFolder, name))
    form.append('files', new Blob([bytes]), name)
    hashes.set(name, createHash('sha256').update(bytes).digest('hex'))
  }
  await call(origin, `/v1/datasets/${dataset}/files`, 200, { method: 'POST', body: form })
  return hashes
}

/** The body of a download, front to back. Throws when it is refused, and when it ends before its length. */
export async function download(
  url: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<AsyncIterable<Uint8Array>> {
  const answer = await fetch(url, { headers })
  if (!answer.ok || answer.body === null) throw new Error(`${url} answered ${answer.status}`)
  return answer.body as unknown as AsyncIterable<Uint8Array>
}
