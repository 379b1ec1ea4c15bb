import type { CallOptions, ObjectStore } from '../../ports/object-store.ts'
import { isFinal, type ProcessId, stateKey } from './process-state.ts'
import { readProcess } from './process-store.ts'
import { IllegalTransition } from './refusals.ts'

/**
 * Removes the state of a process that has ended; its results stay, and one that is not there is fine. Throws
 * `IllegalTransition` while it has not ended.
 */
export async function deleteProcess(store: ObjectStore, id: ProcessId, { signal }: CallOptions): Promise<void> {
  for (;;) {
    const found = await readProcess(store, id, { signal })
    if (found === undefined) return
    const { state, etag } = found
    if (!isFinal(state.status)) throw new IllegalTransition(`a ${state.status} process cannot be deleted`)
    // Only the version that was seen to have ended: a retry may have queued it again since.
    const deleted = await store.delete(stateKey(id), { ifMatch: etag, signal })
    if (deleted.outcome === 'unknown') throw deleted.cause
    if (deleted.outcome === 'applied') return
  }
}
