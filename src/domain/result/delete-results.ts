import type { CallOptions, DeleteResult, ObjectStore } from '../../ports/object-store.ts'
import { deleteKeys } from '../object/delete-objects.ts'
import { everyObject } from '../object/list-objects.ts'
import type { ProcessId } from '../process/process-state.ts'
import { type ResultKind, resultOf, resultsBelow } from './result.ts'

/** All results of one kind, of one process or of all, and what became of each. Costs one LIST and one delete per 1,000. */
export async function deleteResults(
  store: ObjectStore,
  wanted: { kind: ResultKind; process: ProcessId | undefined },
  { signal }: CallOptions,
): Promise<DeleteResult[]> {
  // Listed whole before the first deletion: a cursor need not survive changes of what it walks over.
  const keys = []
  for await (const object of everyObject(store, resultsBelow(wanted), { signal })) {
    if (resultOf(object)?.kind === wanted.kind) keys.push(object.key)
  }
  return deleteKeys(store, keys, { signal })
}
