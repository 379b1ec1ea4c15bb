import type { CallOptions, ObjectStore } from '../../ports/object-store.ts'
import { NotFound } from '../errors.ts'
import { isFinal, type ProcessId, stateKey } from './process-state.ts'
import { readProcess } from './process-store.ts'
import { IllegalTransition } from './refusals.ts'

/** Removes the state of a process that has ended; its results stay. Throws `IllegalTransition` while it has not. */
export async function deleteProcess(store: ObjectStore, id: ProcessId, { signal }: CallOptions): Promise<void> {
  const found = await readProcess(store, id, { signal })
  if (found === undefined) throw new NotFound('no such process')
  const { state } = found
  if (!isFinal(state.status)) throw new IllegalTransition(`a ${state.status} process cannot be deleted`)
  const deleted = await store.delete(stateKey(id), { signal })
  if (deleted.outcome === 'unknown') throw deleted.cause
}
