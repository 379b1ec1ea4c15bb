import { StoreUnavailable } from '../../ports/errors.ts'
import type { CallOptions } from '../../ports/object-store.ts'
import { NotFound } from '../errors.ts'
import { operationId } from './operation-id.ts'
import type { ProcessDeps } from './process-deps.ts'
import type { AppliedOperation, ReadProcess } from './process-ledger.ts'
import { type ProcessId, type ProcessType, StateUnreadable } from './process-state.ts'
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
  const isWanted = ({ state }: ReadProcess) => state.status === 'queued' && (types?.includes(state.type) ?? true)
  const ownId = operationId('claim', idempotencyKey, ids)
  const claim = async (id: ProcessId) => {
    const at = new Date(clock.nowMs()).toISOString()
    return await ledger.apply(id, { kind: 'claim', worker, operationId: ownId, writeId: ids.next(), at }, { signal })
  }
  const { processes: readable, unreadable } = await ledger.readAll({ signal })
  // The one that was given before, or the only one that waits, may be among them.
  const isComplete = idempotencyKey === undefined && readable.some(isWanted)
  const processes = isComplete ? readable : [...readable, ...(await readAgain(ledger, unreadable, { signal }))]
  const given = processes.find(({ state }) => state.operations.some((one) => one.operationId === ownId))
  const queued = processes.filter(isWanted).sort(byAge)
  for (const { state } of given === undefined ? queued : [given, ...queued]) {
    try {
      return await claim(state.id)
    } catch (error) {
      if (!(error instanceof AlreadyClaimed || error instanceof NotFound)) throw error
    }
  }
  return undefined
}

const againMax = 16

/** What could not be read with the others, but for what is damaged. Throws `StoreUnavailable` when it still cannot be. */
async function readAgain(
  ledger: ProcessDeps['ledger'],
  unreadable: readonly string[],
  options: CallOptions,
): Promise<ReadProcess[]> {
  if (unreadable.length > againMax) throw new StoreUnavailable('many processes cannot be read')
  const read: ReadProcess[] = []
  for (const id of unreadable) {
    try {
      const found = await ledger.read(id as ProcessId, options)
      if (found !== undefined) read.push(found)
    } catch (error) {
      // Nobody was given it, and nobody can be.
      if (!(error instanceof StateUnreadable)) throw error
    }
  }
  return read
}

/** A retried process keeps its place: it has waited since it was made. */
function byAge({ state: a }: ReadProcess, { state: b }: ReadProcess): number {
  if (a.createdAt !== b.createdAt) return a.createdAt < b.createdAt ? -1 : 1
  return a.id < b.id ? -1 : 1
}
