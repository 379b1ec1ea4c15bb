import type { CallOptions, DeleteResult, ObjectStore } from '../../ports/object-store.ts'
import { deletePrefix } from '../object/delete-objects.ts'
import { datasetPrefix, deleteDatasetInfo } from './dataset-info.ts'
import type { DatasetName } from './dataset-name.ts'

/** Removes a dataset with everything in it; what is remembered of it goes last. Throws the first failure of a file. */
export async function deleteDataset(store: ObjectStore, name: DatasetName, { signal }: CallOptions): Promise<void> {
  const results = await deletePrefix(store, datasetPrefix(name), { signal })
  const failed = results.find(({ error }: DeleteResult) => error !== undefined)
  if (failed?.error !== undefined) throw failed.error
  await deleteDatasetInfo(store, name, { signal })
}
