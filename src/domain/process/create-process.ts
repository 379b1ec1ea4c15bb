import type { Digests } from '../../ports/digests.ts'
import type { CallOptions } from '../../ports/object-store.ts'
import { operationId } from './operation-id.ts'
import type { ProcessDeps } from './process-deps.ts'
import type { AppliedOperation } from './process-ledger.ts'
import { type ProcessId, type ProcessType, processId } from './process-state.ts'

export interface NewProcess {
  readonly id: ProcessId | undefined
  readonly type: ProcessType
  readonly name: string | undefined
  readonly dataset: string | undefined
  readonly config: Readonly<Record<string, unknown>>
  /** As planned; what the worker says later counts. */
  readonly totalSteps?: number | undefined
}

/**
 * Queues a process. With an idempotency key a repetition answers with the process made before: without an id of its own
 * the process gets one derived from the key. Throws `ProcessExists` when the id is taken.
 */
export async function createProcess(
  deps: ProcessDeps & { digests: Digests },
  wanted: NewProcess,
  { signal, idempotencyKey }: CallOptions & { idempotencyKey: string | undefined },
): Promise<AppliedOperation> {
  const { clock, ids, digests } = deps
  const generated = (): ProcessId =>
    processId(
      idempotencyKey === undefined
        ? ids.next()
        : digests.sha256(new TextEncoder().encode(`process:${idempotencyKey}`)).slice(0, 32),
    )
  const id = wanted.id ?? generated()
  const { type, name = id, dataset = null, config, totalSteps } = wanted
  const planned = { type, name, dataset, config, ...(totalSteps === undefined ? {} : { totalSteps }) }
  const at = new Date(clock.nowMs()).toISOString()
  const operation = { operationId: operationId('create', idempotencyKey, ids), writeId: ids.next(), at }
  return await deps.ledger.apply(id, { ...operation, kind: 'create', id, ...planned }, { signal })
}
