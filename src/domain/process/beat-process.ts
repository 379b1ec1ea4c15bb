import type { CallOptions } from '../../ports/object-store.ts'
import { NotFound } from '../errors.ts'
import type { ProcessDeps } from './process-deps.ts'
import type { ReadProcess } from './process-ledger.ts'
import { isFinal, type ProcessId } from './process-state.ts'
import { Fenced } from './refusals.ts'

/**
 * A worker says that it lives, and nothing else: no `seq`, no new version, one small write that the next one replaces. Gives
 * the process, so that the worker sees a cancel. Throws `Fenced` when the attempt is not, or no longer, the worker's.
 */
export async function beatProcess(
  { ledger }: ProcessDeps,
  id: ProcessId,
  { worker, attempt }: { readonly worker: string; readonly attempt: number },
  { signal }: CallOptions,
): Promise<ReadProcess> {
  const found = await ledger.read(id, { signal })
  if (found === undefined) throw new NotFound('no such process')
  const { state } = found
  if (state.attempt !== attempt || state.worker !== worker) throw new Fenced('another worker holds this process')
  if (!isFinal(state.status)) await ledger.beat(id, attempt, { signal })
  return found
}
