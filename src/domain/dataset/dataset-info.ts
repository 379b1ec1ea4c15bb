import { type ObjectKey, parseObjectKey } from '../../ports/object-key.ts'
import type { CallOptions, ObjectStore } from '../../ports/object-store.ts'
import type { DatasetName } from './dataset-name.ts'

/** What is remembered of a dataset beside its files. */
export interface DatasetInfo {
  readonly triggerWord: string
}

/** Where the files of a dataset lie. */
export function datasetPrefix(dataset: DatasetName): string {
  return `dataset/${dataset}/`
}

/** Outside of the dataset's folder: a trainer that reads the folder finds only what was uploaded. */
function infoKey(dataset: DatasetName): ObjectKey {
  return parseObjectKey(`catalog/dataset/${dataset}.json`)
}

/** Costs one GET. What cannot be read as ours counts as nothing remembered. */
export async function readDatasetInfo(
  store: ObjectStore,
  dataset: DatasetName,
  { signal }: CallOptions,
): Promise<DatasetInfo | undefined> {
  const found = await store.get(infoKey(dataset), { signal })
  if (found === undefined) return undefined
  const text = await new Response(found.body).text()
  try {
    const { triggerWord } = JSON.parse(text) as { triggerWord?: unknown }
    return typeof triggerWord === 'string' ? { triggerWord } : undefined
  } catch {
    return undefined
  }
}

export async function writeDatasetInfo(
  store: ObjectStore,
  dataset: DatasetName,
  info: DatasetInfo,
  { signal }: CallOptions,
): Promise<void> {
  const body = new TextEncoder().encode(JSON.stringify(info))
  const written = await store.put(infoKey(dataset), body, { contentType: 'application/json', when: 'always', signal })
  if (written.outcome === 'unknown') throw written.cause
}

export async function deleteDatasetInfo(
  store: ObjectStore,
  dataset: DatasetName,
  { signal }: CallOptions,
): Promise<void> {
  const deleted = await store.delete(infoKey(dataset), { signal })
  if (deleted.outcome === 'unknown') throw deleted.cause
}
