import type { CallOptions } from '../../ports/object-store.ts'
import { NotFound } from '../errors.ts'
import { operationId } from './operation-id.ts'
import type { ProcessDeps } from './process-deps.ts'
import type { AppliedOperation, ReadProcess } from './process-ledger.ts'
import type { ProcessId, ProcessType } from './process-state.ts'
import { AlreadyClaimed } from './refusals.ts'

/**
 * Gives the oldest queued process of `types` to `worker`, and to nobody else; `undefined` when none is queued. Who comes
 * second for one goes on to the next. With an idempotency key a repetition is given the process that it was given before.
 *
 * Costs what `readAll` costs, and one claim for each process that another worker took meanwhile. Throws
 * `StoreUnavailable` when it is not known whether a claim was heard: ask again with the same key, or that process waits
 * until its worker counts as lost.
 */
export async function claimOldest(
  deps: ProcessDeps,
  request: CallOptions & {
    worker: string
    types: readonly ProcessType[] | undefined
    idempotencyKey: string | undefined
  },
): Promise<AppliedOperation | undefined> {
  const { ledger, clock, ids } = deps
  const { worker, types, idempotencyKey, signal } = request
  const ownId = operationId('claim', idempotencyKey, ids)
  const claim = async (id: ProcessId) => {
    const at = new Date(clock.nowMs()).toISOString()
    return await ledger.apply(id, { kind: 'claim', worker, operationId: ownId, writeId: ids.next(), at }, { signal })
  }
  const { processes } = await ledger.readAll({ signal })
  const given = processes.find(({ state }) => state.operations.some((one) => one.operationId === ownId))
  const queued = processes
    .filter(({ state }) => state.status === 'queued' && (types?.includes(state.type) ?? true))
    .sort(byAge)
  for (const { state } of given === undefined ? queued : [given, ...queued]) {
    try {
      return await claim(state.id)
    } catch (error) {
      if (!(error instanceof AlreadyClaimed || error instanceof NotFound)) throw error
    }
  }
  return undefined
}

/** A retried process keeps its place: it has waited since it was made. */
function byAge({ state: a }: ReadProcess, { state: b }: ReadProcess): number {
  if (a.createdAt !== b.createdAt) return a.createdAt < b.createdAt ? -1 : 1
  return a.id < b.id ? -1 : 1
}
