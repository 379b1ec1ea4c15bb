import type { HolderConflict } from '../process-ledger.ts'
import {
  isFinal,
  maxHistory,
  maxRecordedOperations,
  type ProcessId,
  type ProcessState,
  type ProcessStatus,
} from '../process-state.ts'
import { createdState, freshAttempt } from '../transition.ts'
import { holdersOf, lastArrival } from './holders.ts'
import type { ProcessEvent } from './process-event.ts'

export interface JoinedProcess {
  readonly state: ProcessState
  readonly conflicts: readonly HolderConflict[]
}

type Of<Kind extends ProcessEvent['kind']> = Extract<ProcessEvent, { kind: Kind }>
type History = ProcessState['history']

/**
 * The state that a set of events makes. Pure, and a function of the set alone: in whatever order they were found, and
 * however often, equal sets give equal states, and a larger set never has a smaller version.
 *
 * `document` is what a store wrote that decided at the time; events that it has taken in already count no more.
 * `undefined` while nothing says that the process was made.
 */
export function joinProcess(
  id: ProcessId,
  document: ProcessState | undefined,
  events: readonly (ProcessEvent & { readonly storedAt?: string })[],
): JoinedProcess | undefined {
  const live = liveEvents(events)
  const confirmed = new Set(events.flatMap((event) => (event.kind === 'confirm' ? [event.confirmed] : [])))
  const births = live.filter((event) => event.kind === 'create')
  const birth = births.find(({ writeId }) => confirmed.has(writeId)) ?? births[0]
  const base = document ?? (birth && createdState({ ...birth, id }))
  if (base === undefined) return undefined
  const added = live.filter((event) => event !== birth && !isCovered(event, base, document !== undefined))
  // Of every event: of two with one operation id, the later may speak of a later attempt.
  const attempt = notWithdrawn(events).reduce((highest, event) => Math.max(highest, event.attempt), base.attempt)
  const start: ProcessState =
    attempt > base.attempt
      ? { ...base, ...freshAttempt(base), attempt, status: 'queued', worker: null, heardAt: null }
      : base
  const current = added.filter((event) => event.attempt === attempt)
  // Also what the document knows: it may have been written by who did not see that another was told so.
  const known = live.filter((event) => event.attempt === attempt)
  const { holder: worker, sure } = holdersOf(start, known, events)
  const words = current
    .filter((event) => event.kind === 'report')
    .filter((report) => report.worker === worker && report.seq > start.lastSeq)
    .sort((a, b) => a.seq - b.seq)
  const ending = endingOf(start, current, sure.length > 0)
  const told = words.reduce(hear, { ...start, worker })
  const status = ending?.status ?? standing(told.status, worker)
  const last = live.at(-1)
  const spoken = current.filter((event) => 'worker' in event && event.worker === worker)
  const state: ProcessState = {
    ...told,
    status,
    version: base.version + countOf(events, base, document !== undefined),
    writeId: document !== undefined && added.length === 0 ? document.writeId : (last?.writeId ?? base.writeId),
    previous: document?.previous ?? null,
    cancelRequested: start.cancelRequested || current.some(({ kind }) => kind === 'cancel'),
    error: ending?.error ?? told.error,
    heardAt: heardAt(start, spoken),
    operations: operationsOf(base, added),
    history: historyOf(base, added, ending, attempt),
    updatedAt: latest([base.updatedAt, ...added.map(({ at }) => at)]),
    startedAt: start.startedAt ?? spoken[0]?.at ?? null,
    endedAt: isFinal(status) ? (ending?.at ?? start.endedAt) : null,
    ...(added.some(({ kind }) => kind === 'delete') ? { deleted: true as const } : {}),
  }
  const conflicts = sure.length > 1 ? [{ attempt, workers: sure, since: lastArrival(known, sure) }] : []
  return { state, conflicts }
}

/** In order of their times, and of equal times in order of their names; each operation once; without what was taken back. */
export function liveEvents<Event extends ProcessEvent>(events: readonly Event[]): Event[] {
  const known = new Set<string>()
  return notWithdrawn(events)
    .sort(byTime)
    .filter(({ operationId }) => {
      if (known.has(operationId)) return false
      known.add(operationId)
      return true
    })
}

function notWithdrawn<Event extends ProcessEvent>(events: readonly Event[]): Event[] {
  const withdrawn = new Set(events.flatMap((event) => (event.kind === 'withdraw' ? [event.withdrawn] : [])))
  return events.filter(({ kind, writeId }) => kind !== 'withdraw' && kind !== 'confirm' && !withdrawn.has(writeId))
}

function byTime(a: ProcessEvent, b: ProcessEvent): number {
  if (a.at !== b.at) return a.at < b.at ? -1 : 1
  return a.writeId < b.writeId ? -1 : a.writeId > b.writeId ? 1 : 0
}

/** Whether the document knows already what the event says. */
function isCovered(event: ProcessEvent, base: ProcessState, isDocument: boolean): boolean {
  if (event.kind === 'create') return true
  if (!isDocument) return false
  // Of a life before this one: a process that is made later under its id begins with the next attempt.
  if (event.kind === 'delete') return base.deleted === true || event.attempt < base.attempt
  if (base.operations.some(({ operationId }) => operationId === event.operationId)) return true
  if (event.kind === 'retry') return event.attempt <= base.attempt
  if (event.attempt < base.attempt) return true
  if (event.attempt > base.attempt) return false
  if (event.kind === 'report') return event.worker === base.worker && event.seq <= base.lastSeq
  if (event.kind === 'claim') return event.worker === base.worker
  return event.kind === 'cancel' && base.cancelRequested && !event.abandons
}

/** Every operation counts once, also one that was taken back, so that no event makes a version smaller. */
function countOf(events: readonly ProcessEvent[], base: ProcessState, isDocument: boolean): number {
  const counted = new Set<string>()
  for (const event of events) {
    if (event.kind === 'confirm') continue
    if (event.kind === 'create' ? !isDocument : !isCovered(event, base, isDocument)) counted.add(event.operationId)
  }
  return isDocument ? counted.size : counted.size - 1
}

/** One that is not listed yet was written just now. */
function heardAt(start: ProcessState, spoken: readonly { readonly storedAt?: string }[]): string | null {
  if (spoken.length === 0) return start.heardAt
  const times = spoken.map(({ storedAt }) => storedAt).filter((storedAt) => storedAt !== undefined)
  return times.length < spoken.length ? null : latest(times)
}

function hear(state: ProcessState, report: Of<'report'>): ProcessState {
  const status = report.status ?? state.status
  return {
    ...state,
    status: rank(status) > rank(state.status) ? status : state.status,
    lastSeq: report.seq,
    step: report.step ?? report.points?.at(-1)?.step ?? state.step,
    totalSteps: report.totalSteps ?? state.totalSteps,
    metrics: report.metrics ?? report.points?.at(-1)?.metrics ?? state.metrics,
    message: report.message ?? state.message,
    error: report.error ?? null,
    expectNextInSeconds: report.expectNextInSeconds ?? state.expectNextInSeconds,
  }
}

const ranks: Readonly<Record<ProcessStatus, number>> = {
  queued: 0,
  starting: 1,
  running: 2,
  cancelled: 3,
  failed: 4,
  completed: 5,
}
const rank = (status: ProcessStatus): number => ranks[status]

interface Ending {
  readonly status: ProcessStatus
  readonly at: string
  readonly error: ProcessState['error']
}

/**
 * How the attempt ended: as its worker says; where two workers held it and disagree, completed before failed before
 * cancelled, so that no success is lost. A cancel ends what nobody was told to hold, and what nobody answers for any more.
 */
function endingOf(start: ProcessState, current: readonly ProcessEvent[], isHeld: boolean): Ending | undefined {
  const claimed: Ending[] = current
    .filter((event) => event.kind === 'report')
    .filter(({ status }) => status !== undefined && isFinal(status))
    .map(({ status = 'failed', at, error }) => ({
      status,
      at,
      error: error ?? (status === 'failed' ? { code: 'failed', message: 'the worker gave no reason' } : null),
    }))
  if (isFinal(start.status)) {
    claimed.push({ status: start.status, at: start.endedAt ?? start.updatedAt, error: start.error })
  }
  const [best] = claimed.sort((a, b) => rank(b.status) - rank(a.status))
  if (best !== undefined) return best
  const cancel = current.find((event) => event.kind === 'cancel' && (event.abandons || !isHeld))
  return cancel && { status: 'cancelled', at: cancel.at, error: null }
}

const standing = (status: ProcessStatus, worker: string | null): ProcessStatus =>
  status === 'queued' && worker !== null ? 'starting' : status

function operationsOf(base: ProcessState, added: readonly ProcessEvent[]): ProcessState['operations'] {
  const recorded = added
    .filter(({ kind }) => kind !== 'report')
    .map(({ operationId, at }, index) => ({ operationId, at, version: base.version + index + 1 }))
  return [...base.operations, ...recorded].slice(-maxRecordedOperations)
}

function historyOf(
  base: ProcessState,
  added: readonly ProcessEvent[],
  ending: Ending | undefined,
  attempt: number,
): History {
  const history: History[number][] = [...base.history]
  const reached = new Set(history.map((one) => `${one.attempt} ${one.status}`))
  const reach = (status: ProcessStatus, of: number, at: string) => {
    const step = `${of} ${status}`
    if (reached.has(step)) return
    reached.add(step)
    history.push({ status, attempt: of, at })
  }
  for (const event of added) {
    if (event.kind === 'retry') reach('queued', event.attempt, event.at)
    if (event.kind === 'claim') reach('starting', event.attempt, event.at)
    if (event.kind === 'report' && event.status !== undefined && !isFinal(event.status)) {
      reach(event.status, event.attempt, event.at)
    }
    if (event.kind === 'report' && event.attempt < attempt && event.status !== undefined) {
      reach(event.status, event.attempt, event.at)
    }
  }
  if (ending !== undefined) reach(ending.status, attempt, ending.at)
  return history.slice(-maxHistory)
}

function latest(times: readonly string[]): string {
  return times.toSorted().at(-1) ?? ''
}
