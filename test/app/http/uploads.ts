import { readFileSync } from 'node:fs'
import { contentType, field, file, form } from '../../adapters/busboy/forms.ts'
import { jpeg } from '../../domain/dataset/tiny-images.ts'
import type { Service } from '../memory-service.ts'

export interface FileJson {
  readonly name: string
  readonly status: 'stored' | 'unchanged' | 'rejected' | 'failed'
  readonly kind?: string
  readonly key?: string
  readonly size?: number
  readonly etag?: string
  readonly crc32?: string
  readonly sha256?: string
  readonly width?: number
  readonly height?: number
  readonly problem?: { readonly code: string; readonly detail: string }
}

export interface ReportJson {
  readonly dataset: string
  readonly prefix: string
  readonly triggerWord: string | null
  readonly files: readonly FileJson[]
  readonly totals: Readonly<Record<string, number>>
  readonly warnings: readonly { readonly code: string; readonly file: string }[]
}

export interface UploadAnswer extends ReportJson {
  readonly status: number
  readonly contentType: string | null
  /** Of a refusal. */
  readonly code?: string
  readonly detail?: string
}

export interface TrainingFile {
  readonly name: string
  readonly bytes: Uint8Array
}

interface Expected {
  readonly good: readonly (TrainingFile & {
    size: number
    crc32: string
    sha256: string
    kind: string
    width?: number
    height?: number
  })[]
  readonly bad: readonly (TrainingFile & { code: string })[]
}

/** The training set under `test/data`, with what must become of each of its files. */
export function readTrainingSet(): Expected {
  const folder = new URL('../../data/training-set/', import.meta.url)
  const expected = JSON.parse(readFileSync(new URL('expected.json', folder), 'utf8')) as Expected
  const read = (part: string, name: string) =>
    new Uint8Array(readFileSync(new URL(`${part}/${encodeURIComponent(name)}`, folder)))
  return {
    good: expected.good.map((one) => ({ ...one, bytes: read('good', one.name) })),
    bad: expected.bad.map((one) => ({ ...one, bytes: read('bad', one.name) })),
  }
}

const encoder = new TextEncoder()

export const image = (name: string, side = 512): TrainingFile => ({ name, bytes: jpeg({ width: side, height: side }) })
export const caption = (name: string, text = 'a photo'): TrainingFile => ({ name, bytes: encoder.encode(text) })

/** A JPEG of that many bytes: what follows its end is allowed. */
export function largeImage(name: string, sizeBytes: number): TrainingFile {
  const bytes = new Uint8Array(sizeBytes)
  bytes.set(jpeg({ width: 512, height: 512 }))
  return { name, bytes }
}

export type Part = TrainingFile | { readonly field: string; readonly value: string }

export const partBytes = (part: Part): Uint8Array =>
  'field' in part ? field(part.field, part.value) : file(part.name, part.bytes)

export const formBytes = (parts: readonly Part[]): Uint8Array<ArrayBuffer> =>
  new Uint8Array(form(...parts.map(partBytes)))

/** Sends one form to a dataset, and reads the whole answer. */
export async function upload(
  service: Service,
  dataset: string,
  parts: readonly Part[],
  headers: Record<string, string> = {},
): Promise<UploadAnswer> {
  return await sendForm(service, `/v1/datasets/${encodeURIComponent(dataset)}/files`, formBytes(parts), headers)
}

export async function sendForm(
  service: Service,
  path: string,
  body: Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>,
  headers: Record<string, string> = {},
): Promise<UploadAnswer> {
  const answer = await service.request(path, {
    method: 'POST',
    body,
    headers: { 'content-type': contentType, ...headers },
  })
  const json = (await answer.json()) as ReportJson
  return { ...json, status: answer.status, contentType: answer.headers.get('content-type') }
}

export const statuses = ({ files }: ReportJson) => files.map(({ name, status }) => `${name} ${status}`)
export const codes = ({ files }: ReportJson) => files.map(({ name, problem }) => `${name} ${problem?.code ?? '-'}`)
