import type { CallOptions } from '../../ports/object-store.ts'
import { NotFound } from '../errors.ts'
import type { ProcessDeps } from './process-deps.ts'
import type { ProcessId } from './process-state.ts'

/**
 * Removes a process that has ended; its results stay, and one that is not there is fine. Throws `IllegalTransition` while
 * it has not ended.
 */
export async function deleteProcess(
  { ledger, clock, ids }: ProcessDeps,
  id: ProcessId,
  { signal }: CallOptions,
): Promise<void> {
  const at = new Date(clock.nowMs()).toISOString()
  const operation = { kind: 'delete', operationId: ids.next(), writeId: ids.next(), at } as const
  try {
    await ledger.apply(id, operation, { signal })
  } catch (error) {
    if (!(error instanceof NotFound)) throw error
  }
}
