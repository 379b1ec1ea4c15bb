import type { CallOptions } from '../../ports/object-store.ts'
import { NotFound } from '../errors.ts'
import { livenessOf } from './liveness.ts'
import { operationId } from './operation-id.ts'
import type { ProcessDeps } from './process-deps.ts'
import type { AppliedOperation } from './process-ledger.ts'
import type { ProcessId } from './process-state.ts'
import { AlreadyClaimed } from './refusals.ts'

type Steering = CallOptions & { idempotencyKey: string | undefined }

/** A queued process ends at once; a claimed one is asked to, and its worker reads so in the answer to its next report. */
export async function cancelProcess(deps: ProcessDeps, id: ProcessId, options: Steering): Promise<AppliedOperation> {
  return await deps.ledger.apply(id, { ...common('cancel', deps, options), kind: 'cancel' }, options)
}

/** Queues a new attempt of a failed, cancelled or lost process; late words of the old attempt are fenced. */
export async function retryProcess(deps: ProcessDeps, id: ProcessId, options: Steering): Promise<AppliedOperation> {
  const seen = (await deps.ledger.read(id, options))?.state
  const isLost = seen !== undefined && livenessOf(seen, deps.ledger.nowMs()) === 'lost'
  const lost = isLost ? { attempt: seen.attempt, lastSeq: seen.lastSeq } : undefined
  return await deps.ledger.apply(id, { ...common('retry', deps, options), kind: 'retry', lost }, options)
}

/** Gives a queued process to `worker`, and to nobody else. Throws `AlreadyClaimed`. */
export async function claimProcess(
  deps: ProcessDeps,
  id: ProcessId,
  { worker, ...options }: Steering & { worker: string },
): Promise<AppliedOperation> {
  return await deps.ledger.apply(id, { ...common('claim', deps, options), kind: 'claim', worker }, options)
}

/** Opens the next attempt of a process whose worker is seen to be lost, for `worker`. Throws `AlreadyClaimed` for others. */
export async function takeOverProcess(
  deps: ProcessDeps,
  id: ProcessId,
  { worker, ...options }: Steering & { worker: string },
): Promise<AppliedOperation> {
  const seen = (await deps.ledger.read(id, options))?.state
  if (seen === undefined) throw new NotFound('no such process')
  const { attempt, lastSeq } = seen
  const operation = common('takeover', deps, options)
  const repeated = seen.operations.some(({ operationId }) => operationId === operation.operationId)
  if (!repeated && livenessOf(seen, deps.ledger.nowMs()) !== 'lost') {
    throw new AlreadyClaimed('only the attempt of a lost worker can be taken over')
  }
  return await deps.ledger.apply(id, { ...operation, kind: 'takeover', worker, seen: { attempt, lastSeq } }, options)
}

function common(kind: string, { clock, ids }: ProcessDeps, { idempotencyKey }: Steering) {
  const at = new Date(clock.nowMs()).toISOString()
  return { operationId: operationId(kind, idempotencyKey, ids), writeId: ids.next(), at }
}
