import type { ObjectKey } from '../../ports/object-key.ts'
import type { CallOptions, ListedObject, ObjectStore } from '../../ports/object-store.ts'
import { datasetPrefix } from '../dataset/dataset-info.ts'
import type { DatasetName } from '../dataset/dataset-name.ts'
import { everyObject } from '../object/list-objects.ts'
import type { ProcessId } from '../process/process-state.ts'
import type { ResultKind } from '../result/result.ts'
import type { ProposedPlace } from './entry-names.ts'
import { ExportTooLarge } from './refusals.ts'

/** One thing that a user ticks. */
export type Selected =
  | { readonly dataset: DatasetName }
  | { readonly process: ProcessId; readonly kinds: readonly ResultKind[] }
  | { readonly prefix: string }
  | { readonly key: ObjectKey }

export interface Selection {
  readonly keys: readonly SelectedKey[]
  /** What was ticked, other than single objects, and holds nothing. */
  readonly empty: readonly Selected[]
  /** Files that lie there and cannot be selected, see `ListPage.leftOut`. */
  readonly leftOut: number
}

export interface SelectedKey extends ProposedPlace {
  readonly key: ObjectKey
  /** As a listing found it; `undefined`: named one by one, so that its absence is worth telling. */
  readonly listed: ListedObject | undefined
}

/**
 * The objects that were ticked, in order, each with its place in the archive: datasets and processes get a folder of their
 * own, prefixes keep their path below the public root, single objects lie at the top. Costs one LIST per 1,000 objects.
 */
export async function selectKeys(
  store: ObjectStore,
  include: readonly Selected[],
  { maxEntries, signal }: CallOptions & { maxEntries: number },
): Promise<Selection> {
  const found: SelectedKey[] = []
  const empty: Selected[] = []
  let leftOut = 0
  const onLeftOut = (count: number) => {
    leftOut += count
  }
  const add = (key: ObjectKey, folder: string, listed: ListedObject | undefined) => {
    if (found.length >= maxEntries) throw new ExportTooLarge(`an export has at most ${maxEntries} files`)
    found.push({ key, folder, file: key.slice(key.lastIndexOf('/') + 1), listed })
  }
  const addAll = async (prefix: string, folderOf: (key: ObjectKey) => string) => {
    for await (const listed of everyObject(store, prefix, { signal, onLeftOut })) {
      add(listed.key, folderOf(listed.key), listed)
    }
  }
  for (const one of include) {
    const before = found.length
    if ('key' in one) add(one.key, '', undefined)
    if ('dataset' in one) await addAll(datasetPrefix(one.dataset), (key) => folderBelowRoot(key))
    if ('prefix' in one) await addAll(one.prefix, (key) => folderBelowRoot(key))
    if ('process' in one) {
      for (const kind of one.kinds) await addAll(`results/${one.process}/${kind}/`, (key) => folderBelowRoot(key))
    }
    if (found.length === before) empty.push(one)
  }
  return { keys: found, empty, leftOut }
}

/** `dataset/matt/a.jpg` lies in `matt`. */
function folderBelowRoot(key: ObjectKey): string {
  return key.slice(key.indexOf('/') + 1, Math.max(key.indexOf('/') + 1, key.lastIndexOf('/')))
}
