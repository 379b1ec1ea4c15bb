import type { CallOptions, ListedObject } from '../../ports/object-store.ts'
import { everyObject } from '../object/list-objects.ts'
import { pairCaptions } from './caption-pairs.ts'
import { datasetPrefix, readDatasetInfo, writeDatasetInfo } from './dataset-info.ts'
import type { DatasetName } from './dataset-name.ts'
import { type IncomingPart, type ReceiveFormDeps, receiveForm } from './receive-form.ts'
import {
  type FileReport,
  InvalidField,
  isKept,
  totalsOf,
  type UploadReport,
  type UploadWarning,
} from './upload-report.ts'

const maxTriggerWordLength = 200

/**
 * Stores the files of one request in a dataset, each on its own. A new small file costs one store call, a known name one
 * HEAD more; the request costs one LIST per 1,000 files that the dataset has, and one GET.
 *
 * Rejects when the form itself is broken; what was stored until then stays, and sending it again stores nothing twice.
 */
export async function uploadTrainingFiles(
  deps: ReceiveFormDeps,
  dataset: DatasetName,
  parts: AsyncIterable<IncomingPart>,
  { signal }: CallOptions,
): Promise<UploadReport> {
  const prefix = datasetPrefix(dataset)
  const existing = new Map<string, ListedObject>()
  for await (const object of everyObject(deps.store, prefix, { signal })) {
    existing.set(object.key.slice(prefix.length), object)
  }
  const { files, fields } = await receiveForm(deps, parts, { prefix, existing, signal })
  const mode = modeOf(fields.get('mode'))
  const given = triggerWordOf(fields.get('triggerWord'))
  const triggerWord = await rememberTriggerWord(deps, dataset, given, files, { signal })
  const removed = mode === 'replace' ? await removeOthers(deps, files, existing, { signal }) : nothingRemoved
  return {
    dataset,
    prefix,
    triggerWord,
    files,
    totals: totalsOf(files),
    warnings: [...pairWarnings(files, existing, removed.names), ...removed.warnings],
  }
}

function modeOf(value = 'merge'): 'merge' | 'replace' {
  if (value !== 'merge' && value !== 'replace') throw new InvalidField('mode', 'is merge or replace')
  return value
}

/** `undefined` for none: a blank word names no word. */
function triggerWordOf(value = ''): string | undefined {
  const word = value.trim().normalize('NFC')
  if (word.length > maxTriggerWordLength) {
    throw new InvalidField('triggerWord', `has more than ${maxTriggerWordLength} characters`)
  }
  return word === '' ? undefined : word
}

async function rememberTriggerWord(
  { store }: ReceiveFormDeps,
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

interface Removed {
  readonly names: ReadonlySet<string>
  readonly warnings: readonly UploadWarning[]
}

const nothingRemoved: Removed = { names: new Set(), warnings: [] }

/** Removes what this request did not bring, only once everything that it brought is safe. */
async function removeOthers(
  { store }: ReceiveFormDeps,
  files: readonly FileReport[],
  existing: ReadonlyMap<string, ListedObject>,
  { signal }: CallOptions,
): Promise<Removed> {
  if (files.length === 0 || !files.every(isKept)) return nothingRemoved
  const brought = new Set(files.map(({ name }) => name))
  const others = [...existing].filter(([name]) => !brought.has(name))
  const names = new Set<string>()
  const warnings: UploadWarning[] = []
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
