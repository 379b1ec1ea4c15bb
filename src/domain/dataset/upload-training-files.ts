import type { CallOptions, ListedObject } from '../../ports/object-store.ts'
import { createByteWindow } from '../object/byte-window.ts'
import { everyObject } from '../object/list-objects.ts'
import { partBytesFor } from '../object/part-size.ts'
import { pairCaptions } from './caption-pairs.ts'
import { datasetPrefix, readDatasetInfo, writeDatasetInfo } from './dataset-info.ts'
import type { DatasetName } from './dataset-name.ts'
import { type FileName, parseFileName } from './file-name.ts'
import { type ReceiveFileDeps, receiveFile, refusal } from './receive-file.ts'
import { FileRejected } from './rejection.ts'
import {
  type FileReport,
  InvalidField,
  isKept,
  totalsOf,
  type UploadReport,
  type UploadWarning,
} from './upload-report.ts'

/** One part of a form, in the order of the request. A body that is not read to its end is skipped by its source. */
export type IncomingPart =
  | { readonly type: 'field'; readonly name: string; readonly value: string }
  | { readonly type: 'file'; readonly fileName: string; readonly body: AsyncIterable<Uint8Array> }

export interface UploadTrainingFilesDeps extends ReceiveFileDeps {
  readonly maxFiles: number
  /** Bounds what all files of one request hold in memory together. */
  readonly windowBytes: number
}

const putsInFlight = 16
const maxTriggerWordLength = 200

/**
 * Stores the files of one request in a dataset, each on its own: a bad file or a failed write never stops the others.
 * A new small file costs one store call, a known name one HEAD more; the request costs one LIST per 1,000 files that the
 * dataset has, and one GET. Several files are being stored while the next is read.
 *
 * Rejects when the form itself is broken; what was stored until then stays, and sending it again stores nothing twice.
 */
export async function uploadTrainingFiles(
  deps: UploadTrainingFilesDeps,
  dataset: DatasetName,
  parts: AsyncIterable<IncomingPart>,
  { signal }: CallOptions,
): Promise<UploadReport> {
  const { store, log } = deps
  const prefix = datasetPrefix(dataset)
  const existing = new Map<string, ListedObject>()
  for await (const object of everyObject(store, prefix, { signal }))
    existing.set(object.key.slice(prefix.length), object)
  const reception = {
    prefix,
    existing,
    partBytes: partBytesFor(undefined, await store.capabilities({ signal })),
    window: createByteWindow(deps.windowBytes),
    signal,
  }
  const fields: FormFields = { triggerWord: undefined, replace: false }
  const seen = new Set<FileName>()
  const reports: Promise<FileReport>[] = []
  const lanes = createByteWindow(putsInFlight)
  try {
    for await (const part of parts) {
      if (part.type === 'field') {
        readField(fields, part)
        continue
      }
      const name = acceptName(part.fileName, seen, { position: reports.length, maxFiles: deps.maxFiles })
      if (name instanceof FileRejected) {
        reports.push(Promise.resolve(refusal(log, part.fileName, undefined, name)))
        continue
      }
      await lanes.take(1, signal)
      const storeFile = await receiveFile(deps, name, part.body, reception)
      reports.push(storeFile().finally(() => lanes.give(1)))
    }
  } finally {
    // Also when the form broke: nothing may go on behind an answer.
    await Promise.allSettled(reports)
  }
  const files = await Promise.all(reports)
  const triggerWord = await rememberTriggerWord(deps, dataset, fields.triggerWord, files, { signal })
  const removed = await replaceOthers(deps, fields, files, existing, { signal })
  return {
    dataset,
    prefix,
    triggerWord,
    files,
    totals: totalsOf(files),
    warnings: [...pairWarnings(files, existing, removed.names), ...removed.warnings],
  }
}

interface FormFields {
  triggerWord: string | undefined
  replace: boolean
}

function readField(fields: FormFields, { name, value }: { name: string; value: string }): void {
  if (name === 'mode') {
    if (value !== 'merge' && value !== 'replace') throw new InvalidField('mode: is merge or replace')
    fields.replace = value === 'replace'
  }
  if (name === 'triggerWord') {
    const word = value.trim().normalize('NFC')
    if (word.length > maxTriggerWordLength) {
      throw new InvalidField(`triggerWord: has more than ${maxTriggerWordLength} characters`)
    }
    fields.triggerWord = word === '' ? undefined : word
  }
}

function acceptName(
  given: string,
  seen: Set<FileName>,
  { position, maxFiles }: { position: number; maxFiles: number },
): FileName | FileRejected {
  if (position >= maxFiles)
    return new FileRejected('too-many-files', `a request takes ${maxFiles} files; send the rest in another`)
  try {
    const name = parseFileName(given)
    if (seen.has(name)) return new FileRejected('duplicate-name', 'this request has a file of that name already')
    seen.add(name)
    return name
  } catch (error) {
    if (error instanceof FileRejected) return error
    throw error
  }
}

async function rememberTriggerWord(
  { store }: UploadTrainingFilesDeps,
  dataset: DatasetName,
  given: string | undefined,
  files: readonly FileReport[],
  options: CallOptions,
): Promise<string | null> {
  const remembered = (await readDatasetInfo(store, dataset, options))?.triggerWord
  if (given === undefined) return remembered ?? null
  if (given !== remembered && files.some(isKept))
    await writeDatasetInfo(store, dataset, { triggerWord: given }, options)
  return given
}

/** With `mode=replace`: removes what this request did not bring, only once everything that it brought is safe. */
async function replaceOthers(
  { store }: UploadTrainingFilesDeps,
  { replace }: FormFields,
  files: readonly FileReport[],
  existing: ReadonlyMap<string, ListedObject>,
  { signal }: CallOptions,
): Promise<{ names: ReadonlySet<string>; warnings: readonly UploadWarning[] }> {
  const names = new Set<string>()
  const warnings: UploadWarning[] = []
  if (!replace || files.length === 0 || !files.every(isKept)) return { names, warnings }
  const brought = new Set(files.map(({ name }) => name))
  const others = [...existing].filter(([name]) => !brought.has(name))
  for (let start = 0; start < others.length; start += 1000) {
    const page = others.slice(start, start + 1000)
    const results = await store.deleteMany(
      page.map(([, { key }]) => key),
      { signal },
    )
    for (const [index, { error }] of results.entries()) {
      const name = page[index]?.[0] ?? ''
      if (error === undefined) names.add(name)
      else warnings.push({ code: 'not-removed', file: name, detail: 'the store did not remove this file; try again' })
    }
  }
  return { names, warnings }
}

/** Pairs are judged over everything that the dataset has now; only files of this request are worth a word. */
function pairWarnings(
  files: readonly FileReport[],
  existing: ReadonlyMap<string, ListedObject>,
  removed: ReadonlySet<string>,
): readonly UploadWarning[] {
  const kept = new Set(files.filter(isKept).map(({ name }) => name))
  const present = [...new Set([...existing.keys(), ...kept])].filter((name) => !removed.has(name))
  return pairCaptions(present).warnings.filter(({ file }) => kept.has(file))
}
