import { StoreUnavailable, UnsupportedByStore } from '../../../ports/errors.ts'
import type { CallOptions } from '../../../ports/object-store.ts'
import { withHeartbeat } from '../heartbeats.ts'
import { type InTurn, type LedgerDeps, pauseMs, spreadMs, storeNowMs } from '../ledger-deps.ts'
import { livenessOf } from '../liveness.ts'
import type { ProcessOperation, ReportOperation } from '../operation.ts'
import type { AppliedOperation, LedgerWay, ReadProcess } from '../process-ledger.ts'
import type { StoredProcess } from '../process-reader.ts'
import { isFinal, type ProcessId, type ProcessState } from '../process-state.ts'
import { AlreadyClaimed, Fenced, IllegalTransition, ProcessExists } from '../refusals.ts'
import { transition } from '../transition.ts'
import { viewEach } from '../view-each.ts'
import { eventOf } from './event-of.ts'
import { createEventWriter } from './event-writer.ts'
import { isUndecided } from './holders.ts'
import { joinProcess, liveEvents } from './join.ts'
import { joinedEtag } from './joined-etag.ts'
import type { ProcessEvent } from './process-event.ts'
import { hasRival } from './rivals.ts'

/** How long one operation may try to write its event before its outcome is called unknown. */
const deadlineMs = 10_000
/** How often a claim that met another one is tried again. Both step back, so one more meeting is unlikely. */
const meetingsMax = 3
/** How often a cancel looks whether a claim that it met has been answered: some seconds. */
const settleRoundsMax = 10

type Stored = Pick<StoredProcess, 'id' | 'document' | 'events'>

/**
 * For stores that cannot decide between writers. Each operation writes an object of its own, once, and nobody ever writes
 * there again, so no acknowledged word can be overwritten; readers join what they find. What needs a decision is refused
 * where it can be (`UnsupportedByStore`), and where two workers came to hold one attempt all the same, the process says so.
 *
 * A report costs one LIST, one GET of what is new, and one PUT.
 */
export function createEventLedger(deps: LedgerDeps & { inTurn: InTurn }): LedgerWay {
  const { store, reader, digests, clock, ids, log, inTurn } = deps
  const { append, withdraw, confirm } = createEventWriter(deps)
  const told = new Set<string>()

  const viewOf = ({ id, document, events }: Stored): ReadProcess | undefined => {
    const joined = joinProcess(id, document?.state, events)
    if (joined === undefined) return undefined
    for (const { attempt, workers, since } of joined.conflicts) {
      // Before that, one of them may be about to take its claim back.
      if (storeNowMs(deps) - Date.parse(since) <= deadlineMs) continue
      const conflict = `${id} ${attempt} ${workers.join(' ')}`
      if (!told.has(conflict)) log.error('process-held-twice', { process: id, attempt, workers })
      told.add(conflict)
    }
    return { ...joined, etag: joinedEtag(document?.etag, events, digests), sync: 'merge' }
  }

  /** A listing may be late with what was just written. */
  const lookAgain = async (id: ProcessId, event: ProcessEvent, options: CallOptions): Promise<Stored> =>
    withEvent(await reader.one(id, options), event)

  /** Whoever holds it may be told in a moment. */
  const isOpen = ({ attempt }: Pick<ReportOperation, 'attempt'>, { events }: Stored) =>
    isUndecided(attempt, liveEvents(events), events, storeNowMs(deps) - deadlineMs)

  /**
   * A cancel is final at once, unless somebody is about to be told that he holds the attempt: then he is, or takes his claim
   * back, and only after that it is known what the cancel was.
   */
  const settled = async (id: ProcessId, first: Stored, giveUpAtMs: number, options: CallOptions) => {
    let seen = first
    for (let round = 0; ; round++) {
      const view = existing(viewOf(seen))
      if (view.state.status !== 'cancelled' || !isOpen(view.state, seen)) return view
      if (clock.nowMs() >= giveUpAtMs || round >= settleRoundsMax) {
        throw new StoreUnavailable('it is not decided yet whether a worker holds what is cancelled')
      }
      await clock.sleep(pauseMs(round, ids), options.signal)
      seen = await reader.one(id, options)
    }
  }

  const isLost = async (current: ReadProcess, options: CallOptions): Promise<boolean> => {
    const nowMs = storeNowMs(deps)
    const heard = await withHeartbeat(store, current, nowMs, options)
    return livenessOf(heard.state, nowMs) === 'lost'
  }

  const applyAlone = async (
    id: ProcessId,
    operation: ProcessOperation,
    options: CallOptions,
  ): Promise<AppliedOperation> => {
    const giveUpAtMs = clock.nowMs() + deadlineMs
    for (let meetings = 0; ; meetings++) {
      const beganAtMs = clock.nowMs()
      const stored = await reader.one(id, options)
      const current = viewOf(stored)
      const abandons = operation.kind === 'cancel' && current !== undefined && (await isLost(current, options))
      const decided = decide(current?.state, operation, abandons)
      if (typeof decided === 'object') {
        const mayBeHis = operation.kind === 'report' && decided.error instanceof Fenced && isOpen(operation, stored)
        if (!mayBeHis) throw decided.error
        throw new StoreUnavailable('it is not decided yet who holds the attempt')
      }
      if (decided === 'unchanged' || decided === 'repeated') {
        const doubtful = decided === 'repeated' ? doubtfulOf(operation, stored) : undefined
        if (doubtful === undefined) {
          const told = operation.kind === 'cancel' ? await settled(id, stored, giveUpAtMs, options) : existing(current)
          return { ...told, repeated: decided === 'repeated' }
        }
        if (hasRival(doubtful, stored)) {
          await withdraw(id, doubtful, giveUpAtMs, options)
          throw refusalOf(operation)
        }
        const confirmed = await confirm(id, doubtful, giveUpAtMs, options)
        return { ...existing(viewOf(withEvent(stored, confirmed))), repeated: true }
      }
      if (operation.kind === 'report' && current?.state.worker === null) {
        // Seen from then on, by this instance at least; unless it is taken back, which is refused.
        if (meetings > 0) throw new StoreUnavailable('the claim before the first report is not seen yet')
        await applyAlone(id, claimBefore(operation), options).catch((error: unknown) => {
          throw error instanceof AlreadyClaimed ? new Fenced('another worker holds this attempt') : error
        })
        continue
      }
      const event = eventOf(operation, current?.state, { abandons, meetings })
      await append(id, event, giveUpAtMs, options)
      if (event.kind === 'report') return { ...existing(viewOf(withEvent(stored, event))), repeated: false }
      if (event.kind === 'cancel') {
        const isFinalAtOnce = existing(viewOf(withEvent(stored, event))).state.status === 'cancelled'
        const seen = isFinalAtOnce ? await lookAgain(id, event, options) : withEvent(stored, event)
        return { ...(await settled(id, seen, giveUpAtMs, options)), repeated: false }
      }
      const after = await lookAgain(id, event, options)
      if (!hasRival(event, after)) {
        const needsNoWord = event.kind !== 'create' && event.kind !== 'claim'
        const seen = needsNoWord ? after : withEvent(after, await confirm(id, event, giveUpAtMs, options))
        return { ...existing(viewOf(seen)), repeated: false }
      }
      await withdraw(id, event, giveUpAtMs, options)
      if (meetings >= meetingsMax) throw refusalOf(operation)
      await clock.sleep(spreadMs(meetings, clock.nowMs() - beganAtMs, ids), options.signal)
    }
  }

  return {
    async read(id, options) {
      const view = viewOf(await reader.one(id, options))
      return view?.state.deleted ? undefined : view
    },

    async readAll(options) {
      return viewEach(await reader.all(options), viewOf)
    },

    apply: (id, operation, options) => inTurn(id, options.signal, () => applyAlone(id, operation, options)),
  }
}

/** The same state machine as everywhere, without what it cannot keep here. */
function decide(state: ProcessState | undefined, operation: ProcessOperation, abandons: boolean) {
  if (operation.kind === 'takeover') throw new UnsupportedByStore('deciding who may take over an attempt')
  if (operation.kind === 'create' && state?.deleted) throw new ProcessExists('a process with this id was deleted')
  if (operation.kind === 'retry' && state !== undefined && !isFinal(state.status) && operation.lost !== undefined) {
    throw new UnsupportedByStore('deciding that an attempt is lost; cancel it, then retry')
  }
  const decided = transition(state, operation)
  if (decided.kind === 'refused') return decided
  if (decided.kind === 'next') return 'next'
  return decided.repeated ? 'repeated' : abandons ? 'next' : 'unchanged'
}

/** The first word of a worker takes the attempt, and only whom nobody met may go on. */
function claimBefore(report: Extract<ProcessOperation, { kind: 'report' }>): ProcessOperation {
  const { worker, attempt, at } = report
  const operationId = `claim-by-report:${attempt}:${worker}`
  return { kind: 'claim', worker, operationId, writeId: `${report.writeId}-claim`, at }
}

/** What this operation wrote before, when its writer may never have looked whether it was alone. */
function doubtfulOf(operation: ProcessOperation, { events }: Stored): ProcessEvent | undefined {
  if (operation.kind !== 'claim' && operation.kind !== 'create') return undefined
  const own = liveEvents(events).find(({ operationId }) => operationId === operation.operationId)
  return events.some((event) => event.kind === 'confirm' && event.confirmed === own?.writeId) ? undefined : own
}

function withEvent(stored: Stored, event: ProcessEvent): Stored {
  const isThere = stored.events.some(({ writeId }) => writeId === event.writeId)
  return isThere ? stored : { ...stored, events: [...stored.events, event] }
}

function refusalOf({ kind }: ProcessOperation): Error {
  if (kind === 'create') return new ProcessExists('another process of this id was made at the same time')
  if (kind === 'claim') return new AlreadyClaimed('another worker claimed it at the same time')
  return new IllegalTransition('the process was changed at the same time')
}

function existing(current: ReadProcess | undefined): ReadProcess {
  if (current === undefined) throw new TypeError('what was just written makes a process')
  return current
}
