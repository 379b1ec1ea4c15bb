import { NotFound } from '../errors.ts'
import type { MetricPoint } from './metric-point.ts'
import { carry, pointsOf } from './metric-points.ts'
import type { CreateOperation, ProcessOperation, ReportOperation, RetryOperation, SeenAttempt } from './operation.ts'
import {
  type EarlierAttempt,
  isFinal,
  maxHistory,
  maxRecordedOperations,
  type ProcessState,
  type ProcessStatus,
} from './process-state.ts'
import { AlreadyClaimed, Fenced, IllegalTransition, ProcessExists, type ProcessRefusal } from './refusals.ts'

/**
 * `next`: write this state, and before it, as a chunk of the attempt before, the points that it carries no more (`spilled`). `unchanged`: the operation was done before, or has nothing to do; write nothing.
 * `refused`: write nothing and say why.
 */
export type Transition =
  | { readonly kind: 'next'; readonly state: ProcessState; readonly spilled: readonly MetricPoint[] }
  | { readonly kind: 'unchanged'; readonly repeated: boolean }
  | { readonly kind: 'refused'; readonly error: ProcessRefusal | NotFound }

/**
 * The state machine of a process, and the only place that knows it:
 *
 *     queued → starting → running → completed | failed | cancelled
 *
 * Pure: the same state and operation always give the same answer. A repeated operation, known by its id or (reports) by
 * its `seq`, changes nothing.
 */
export function transition(state: ProcessState | undefined, operation: ProcessOperation): Transition {
  const isKnown = state?.operations.some(({ operationId }) => operationId === operation.operationId) === true
  if (state?.deleted) return afterDeletion(state, operation, isKnown)
  if (isKnown) return { kind: 'unchanged', repeated: true }
  if (operation.kind === 'create') {
    return state === undefined
      ? { kind: 'next', state: createdState(operation), spilled: [] }
      : refuse(new ProcessExists('a process with this id exists'))
  }
  if (state === undefined) return refuse(new NotFound('no such process'))
  switch (operation.kind) {
    case 'delete':
      if (!isFinal(state.status)) return refuse(new IllegalTransition(`a ${state.status} process cannot be deleted`))
      return next(state, operation, { ...nothingLeft, deleted: true })
    case 'claim':
      if (state.status !== 'queued') return refuse(new AlreadyClaimed(`the process is ${state.status}`))
      return next(state, operation, { status: 'starting', worker: operation.worker })
    case 'takeover':
      if (state.status === 'queued' || isFinal(state.status)) {
        return refuse(new IllegalTransition(`a ${state.status} process has no attempt to take over`))
      }
      if (!isStill(state, operation.seen)) return refuse(new AlreadyClaimed('its worker, or another, has spoken since'))
      return next(state, operation, { ...freshAttempt(state), status: 'starting', worker: operation.worker })
    case 'cancel':
      return cancel(state, operation)
    case 'retry':
      if (!mayRetry(state, operation)) {
        return refuse(new IllegalTransition(`a ${state.status} process cannot be retried`))
      }
      return next(state, operation, { ...freshAttempt(state), status: 'queued', worker: null })
    case 'report':
      return report(state, operation)
  }
}

/**
 * The id is free again. What was sent before the deletion and arrives after it finds this, and has no effect; nor has it any
 * on a process that is made later, because attempts are never counted anew.
 */
function afterDeletion(state: ProcessState, operation: ProcessOperation, isKnown: boolean): Transition {
  if (operation.kind === 'delete') return { kind: 'unchanged', repeated: isKnown }
  if (operation.kind !== 'create') return refuse(new NotFound('no such process'))
  if (isKnown) return refuse(new ProcessExists('the process of this request was deleted'))
  const { version, writeId, operations, attempt } = state
  const born = createdState(operation)
  return {
    kind: 'next',
    spilled: [],
    state: {
      ...born,
      version: version + 1,
      previous: writeId,
      attempt: attempt + 1,
      earlier: earlierOf(state),
      history: born.history.map((one) => ({ ...one, attempt: attempt + 1 })),
      operations: [...operations, { ...operation, version: version + 1 }]
        .map(({ operationId, at, version }) => ({ operationId, at, version }))
        .slice(-maxRecordedOperations),
    },
  }
}

/** What a deleted process need not keep. */
const nothingLeft = { config: {}, metrics: {}, points: [], message: null, error: null } as const

function mayRetry(state: ProcessState, { lost }: RetryOperation): boolean {
  const { status } = state
  if (status === 'failed' || status === 'cancelled') return true
  // Still the attempt that was seen to be lost: else a second retry would end the attempt that the first one began.
  return (status === 'starting' || status === 'running') && lost !== undefined && isStill(state, lost)
}

function isStill({ attempt, lastSeq }: ProcessState, seen: SeenAttempt): boolean {
  return attempt === seen.attempt && lastSeq === seen.lastSeq
}

function cancel(state: ProcessState, operation: ProcessOperation): Transition {
  if (state.status === 'cancelled') return { kind: 'unchanged', repeated: false }
  if (isFinal(state.status)) return refuse(new IllegalTransition(`the process is ${state.status}`))
  if (state.status === 'queued') return next(state, operation, { status: 'cancelled', cancelRequested: true })
  if (state.cancelRequested) return { kind: 'unchanged', repeated: false }
  // A flag and not a status: the worker may still save a last checkpoint, and it is the worker who says how it ended.
  return next(state, operation, { cancelRequested: true })
}

/** From each status, the statuses that its worker may report. Staying is always allowed while it is not final. */
const reportable: Readonly<Record<ProcessStatus, readonly ProcessStatus[]>> = {
  queued: ['starting', 'running', 'completed', 'failed', 'cancelled'],
  starting: ['starting', 'running', 'completed', 'failed', 'cancelled'],
  running: ['running', 'completed', 'failed', 'cancelled'],
  completed: [],
  failed: [],
  cancelled: [],
}

function report(state: ProcessState, operation: ReportOperation): Transition {
  if (operation.attempt !== state.attempt) {
    return refuse(new Fenced(`attempt ${operation.attempt} is not the present attempt ${state.attempt}`))
  }
  // A queued process has no worker yet: the first report of the present attempt claims it, with exactly one winner,
  // because the write behind it is guarded.
  if (state.worker !== null && state.worker !== operation.worker) {
    return refuse(new Fenced('another worker holds this attempt'))
  }
  if (operation.seq <= state.lastSeq) return { kind: 'unchanged', repeated: true }
  const status = operation.status ?? (state.status === 'queued' ? 'starting' : state.status)
  if (!reportable[state.status].includes(status)) {
    return refuse(new IllegalTransition(`a ${state.status} process cannot become ${status}`))
  }
  const last = operation.points?.at(-1)
  const { points, spilled } = carry(state.points ?? [], pointsOf(operation, state.step))
  const change = {
    status,
    worker: operation.worker,
    lastSeq: operation.seq,
    step: operation.step ?? last?.step ?? state.step,
    totalSteps: operation.totalSteps ?? state.totalSteps,
    metrics: operation.metrics ?? last?.metrics ?? state.metrics,
    points,
    message: operation.message ?? state.message,
    error: operation.error ?? (status === 'failed' ? { code: 'failed', message: 'the worker gave no reason' } : null),
    expectNextInSeconds: operation.expectNextInSeconds ?? state.expectNextInSeconds,
  }
  return next(state, operation, change, spilled)
}

export function createdState(operation: Omit<CreateOperation, 'kind'>): ProcessState {
  const { operationId, writeId, at, id, type, name, dataset, config, totalSteps = null } = operation
  return {
    version: 1,
    writeId,
    previous: null,
    id,
    type,
    name,
    dataset,
    config,
    status: 'queued',
    attempt: 1,
    worker: null,
    cancelRequested: false,
    lastSeq: -1,
    expectNextInSeconds: null,
    heardAt: null,
    step: 0,
    totalSteps,
    metrics: {},
    points: [],
    message: null,
    error: null,
    operations: [{ operationId, at, version: 1 }],
    history: [{ status: 'queued', attempt: 1, at }],
    createdAt: at,
    updatedAt: at,
    startedAt: null,
    endedAt: null,
  }
}

/** What an attempt begins with, one number above the last. */
export function freshAttempt(state: ProcessState) {
  return {
    attempt: state.attempt + 1,
    cancelRequested: false,
    lastSeq: -1,
    expectNextInSeconds: null,
    step: 0,
    metrics: {},
    points: [],
    message: null,
    error: null,
    startedAt: null,
    endedAt: null,
  }
}

function next(
  state: ProcessState,
  operation: ProcessOperation,
  change: Partial<ProcessState>,
  // A new attempt begins a new series, and leaves the old one in chunks.
  spilled: readonly MetricPoint[] = change.attempt === undefined ? [] : (state.points ?? []),
): Transition {
  const { operationId, writeId, at } = operation
  const version = state.version + 1
  const changed = { ...state, ...change }
  const { status, attempt } = changed
  const moved = status !== state.status || attempt !== state.attempt
  // Reports are known again by attempt and seq, so they need no place among the recorded operations.
  const recorded = operation.kind === 'report' ? [] : [{ operationId, at, version }]
  return {
    kind: 'next',
    spilled,
    state: {
      ...changed,
      version,
      writeId,
      previous: state.writeId,
      operations: [...state.operations, ...recorded].slice(-maxRecordedOperations),
      earlier: attempt === state.attempt ? (state.earlier ?? []) : earlierOf(state),
      heardAt: heardAt(changed, operation),
      history: moved ? [...state.history, { status, attempt, at }].slice(-maxHistory) : state.history,
      updatedAt: at,
      startedAt: changed.startedAt ?? (status === 'queued' || isFinal(status) ? null : at),
      endedAt: isFinal(status) ? at : null,
    },
  }
}

/** With the present attempt, which ends. */
function earlierOf({ earlier = [], attempt, worker, lastSeq }: ProcessState): EarlierAttempt[] {
  return [...earlier, { attempt, worker, lastSeq }].slice(-maxHistory)
}

/**
 * Whether `state` holds what `operation` did, although it would be refused now: others may have gone on since.
 */
export function hasTakenIn(state: ProcessState, operation: ProcessOperation): boolean {
  if (operation.kind !== 'report') return state.operations.some((one) => one.operationId === operation.operationId)
  return earlierOf(state).some(
    ({ attempt, worker, lastSeq }) =>
      attempt === operation.attempt && worker === operation.worker && operation.seq <= lastSeq,
  )
}

/** Users speak too, and say nothing about whether the worker is alive. No clock but the store's counts. */
function heardAt(changed: ProcessState, { kind }: ProcessOperation): string | null {
  if (changed.worker === null) return null
  return kind === 'claim' || kind === 'takeover' || kind === 'report' ? null : changed.heardAt
}

function refuse(error: ProcessRefusal | NotFound): Transition {
  return { kind: 'refused', error }
}
