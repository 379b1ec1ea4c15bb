import type { CallOptions, ListedObject } from '../../ports/object-store.ts'
import { mapConcurrently } from '../map-concurrently.ts'
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
  const received = await receiveForm(deps, parts, { prefix, existing, onField: demandField, signal })
  const replace = modeOf(received.fields.get('mode')) === 'replace'
  const given = triggerWordOf(received.fields.get('triggerWord'))
  const remembered = await rememberTriggerWord(deps, dataset, given, received.files, { signal })
  const removed = replace ? await removeOthers(deps, received.files, existing, { signal }) : nothingRemoved
  const files = replace ? await withLostFiles(deps, received.files, prefix, { signal }) : received.files
  return {
    dataset,
    prefix,
    triggerWord: remembered.triggerWord,
    files,
    totals: totalsOf(files),
    warnings: [...pairWarnings(files, existing, removed.names), ...removed.warnings, ...remembered.warnings],
  }
}

/** Refused when it arrives, not behind all files. */
function demandField(name: string, value: string): void {
  if (name === 'mode') modeOf(value)
  if (name === 'triggerWord') triggerWordOf(value)
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

/** The files are stored: that the word could not be is worth a warning, and no reason to call the upload failed. */
async function rememberTriggerWord(
  { store, log }: ReceiveFormDeps,
  dataset: DatasetName,
  given: string | undefined,
  files: readonly FileReport[],
  options: CallOptions,
): Promise<{ triggerWord: string | null; warnings: readonly UploadWarning[] }> {
  try {
    const remembered = (await readDatasetInfo(store, dataset, options))?.triggerWord
    if (given === undefined) return { triggerWord: remembered ?? null, warnings: [] }
    const news = given !== remembered && files.some(isKept)
    if (news) await writeDatasetInfo(store, dataset, { triggerWord: given }, options)
    return { triggerWord: given, warnings: [] }
  } catch (error) {
    if (options.signal.aborted) throw error
    log.warn('trigger-word-not-remembered', { error })
    const detail = 'the trigger word could not be read or remembered; send it again'
    return { triggerWord: given ?? null, warnings: [{ code: 'trigger-word-not-remembered', file: '', detail }] }
  }
}

interface Removed {
  readonly names: ReadonlySet<string>
  readonly warnings: readonly UploadWarning[]
}

const nothingRemoved: Removed = { names: new Set(), warnings: [] }

const deletesInFlight = 8

/**
 * Removes what this request did not bring, only once everything that it brought is safe, and only the versions that were
 * there when it began: what others stored since is theirs.
 */
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
  await mapConcurrently(others, deletesInFlight, async ([file, { key, etag }]) => {
    const problem = await removalProblem(store, { key, etag, signal })
    if (problem === undefined) names.add(file)
    else warnings.push({ code: 'not-removed', file, detail: problem })
  })
  return { names, warnings }
}

async function removalProblem(
  store: ReceiveFormDeps['store'],
  { key, etag, signal }: CallOptions & Pick<ListedObject, 'key' | 'etag'>,
): Promise<string | undefined> {
  try {
    const { outcome } = await store.delete(key, { ifMatch: etag, signal })
    if (outcome === 'applied') return undefined
    // Gone already is as good as removed; another version is somebody's newer file.
    if (outcome === 'rejected' && (await store.head(key, { signal })) === undefined) return undefined
    return outcome === 'rejected' ? 'somebody stored this file anew meanwhile' : 'the store did not answer; try again'
  } catch (error) {
    if (signal.aborted) throw error
    return 'the store did not remove this file; try again'
  }
}

/** What of this request is still there, after another one that replaces may have removed it. */
async function withLostFiles(
  { store }: ReceiveFormDeps,
  files: readonly FileReport[],
  prefix: string,
  { signal }: CallOptions,
): Promise<readonly FileReport[]> {
  const present = new Set<string>()
  for await (const { key } of everyObject(store, prefix, { signal })) present.add(key)
  return files.map((file) => {
    if (file.key === undefined || present.has(file.key)) return file
    const { name, kind } = file
    const problem = { code: 'store-unavailable', detail: 'another upload removed the file meanwhile; send it again' }
    return { name, ...(kind === undefined ? {} : { kind }), status: 'failed', problem }
  })
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
