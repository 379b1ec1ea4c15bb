import type { CallOptions } from '../../ports/object-store.ts'
import { isFinal, type ProcessId, stateKey } from './process-state.ts'
import { type ProcessDeps, readProcess } from './process-store.ts'
import { IllegalTransition } from './refusals.ts'

/** How long one deletion may fight for its outcome before that is called unknown. */
const deadlineMs = 10_000
const backoffMaxMs = 1_000

/**
 * Removes the state of a process that has ended; its results stay, and one that is not there is fine. Where an answer was
 * lost, what is there now tells. Throws `IllegalTransition` while it has not ended, and `StoreUnavailable` when it stays
 * unknown: the same may then be asked again.
 */
export async function deleteProcess(
  { store, clock, ids }: Pick<ProcessDeps, 'store' | 'clock' | 'ids'>,
  id: ProcessId,
  { signal }: CallOptions,
): Promise<void> {
  const giveUpAtMs = clock.nowMs() + deadlineMs
  for (;;) {
    const found = await readProcess(store, id, { signal })
    if (found === undefined) return
    const { state, etag } = found
    if (!isFinal(state.status)) throw new IllegalTransition(`a ${state.status} process cannot be deleted`)
    // Only the version that was seen to have ended: a retry may have queued it again since.
    const deleted = await store.delete(stateKey(id), { ifMatch: etag, signal })
    if (deleted.outcome === 'applied') return
    if (deleted.outcome === 'unknown') {
      if (clock.nowMs() >= giveUpAtMs) throw deleted.cause
      await clock.sleep(ids.fraction() * backoffMaxMs, signal)
    }
  }
}
