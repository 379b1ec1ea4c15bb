import { StoreUnavailable } from '../../ports/errors.ts'
import type { CallOptions } from '../../ports/object-store.ts'
import { type LedgerDeps, pauseMs, roundsMax, storeNowMs } from './ledger-deps.ts'
import { isUndecided } from './merge/holders.ts'
import { joinProcess, liveEvents } from './merge/join.ts'
import { joinedEtag } from './merge/joined-etag.ts'
import type { MetricPoint } from './metric-point.ts'
import { chunkKey, encodePoints } from './metric-points.ts'
import type { ProcessOperation } from './operation.ts'
import type { AppliedOperation, LedgerWay, ReadProcess } from './process-ledger.ts'
import type { StoredProcess } from './process-reader.ts'
import { encodeState, type ProcessId, type ProcessState, stateKey } from './process-state.ts'
import { hasTakenIn, transition } from './transition.ts'
import { viewEach } from './view-each.ts'

/** How long one operation may fight for its write before its outcome is called unknown. */
const deadlineMs = 10_000

/**
 * One document for each process, each version written over the one that was read. Events beside it were written while the
 * store could not decide (`merge/`), or by an instance that sees it so: they are joined, and the next write makes them part
 * of the document.
 *
 * An operation costs one GET, one LIST in parallel with it, and one PUT.
 */
export function createGuardedLedger(deps: LedgerDeps): LedgerWay {
  const { store, reader, digests, clock, ids } = deps

  const viewOf = ({ id, document, events }: StoredProcess): ReadProcess | undefined => {
    if (events.length === 0) return document && { ...document, sync: 'cas', conflicts: [] }
    const joined = joinProcess(id, document?.state, events)
    return joined && { ...joined, etag: joinedEtag(document?.etag, events, digests), sync: 'cas' }
  }

  /** Whoever asked for the attempt is about to be told that he holds it, or to take his claim back. */
  const isOpen = ({ events }: StoredProcess, { state }: ReadProcess): boolean =>
    !state.deleted && isUndecided(state.attempt, liveEvents(events), events, storeNowMs(deps) - deadlineMs)

  const write = async (id: ProcessId, current: StoredProcess, state: ProcessState, { signal }: CallOptions) => {
    const body = encodeState(state)
    const running = digests.start()
    running.update(body)
    return await store.put(stateKey(id), body, {
      contentType: 'application/json',
      // So that a document which is damaged on its way is seen, and read again.
      checksums: running.read(),
      when: current.document === undefined ? 'if-absent' : { ifMatch: current.document.etag },
      signal,
    })
  }

  /** Gives the outcome where that was not `applied`: nothing may leave the state before it is safe elsewhere. */
  const spill = async (state: ProcessState, points: readonly MetricPoint[], { signal }: CallOptions) => {
    const last = points.at(-1)
    if (last === undefined) return undefined
    const how = { contentType: 'application/json', when: 'always', signal } as const
    const stored = await store.put(chunkKey(state, last.seq), encodePoints(points), how)
    return stored.outcome === 'applied' ? undefined : stored
  }

  return {
    async read(id, options) {
      const view = viewOf(await reader.one(id, options))
      return view?.state.deleted ? undefined : view
    },

    async readAll(options) {
      return viewEach(await reader.all(options), viewOf)
    },

    /**
     * Read, decide, write guarded by what was read; again while others get in between. The loop owns the retry: one try
     * per round reaches the store, and after an answer that was lost the next round looks whether the write is there.
     */
    async apply(id: ProcessId, operation: ProcessOperation, { signal }: CallOptions): Promise<AppliedOperation> {
      const giveUpAtMs = clock.nowMs() + deadlineMs
      let mayHaveWritten = false
      const again = async (round: number, failure: StoreUnavailable) => {
        if (clock.nowMs() >= giveUpAtMs || round >= roundsMax) throw failure
        await clock.sleep(pauseMs(round, ids), signal)
      }
      for (let round = 0; ; round++) {
        const stored = await reader.one(id, { signal })
        const current = viewOf(stored)
        // The present version is the very write of this call, whose answer was lost.
        if (current !== undefined && stored.document?.state.writeId === operation.writeId) {
          return { ...current, repeated: false }
        }
        if (current !== undefined && isOpen(stored, current)) {
          await again(round, new StoreUnavailable('it is not decided yet who holds the attempt'))
          continue
        }
        const decided = transition(current?.state, operation)
        if (decided.kind === 'refused') {
          // What was refused must not have happened.
          const hasHappened = mayHaveWritten && current !== undefined && hasTakenIn(current.state, operation)
          if (!hasHappened) throw decided.error
          return { ...current, repeated: false }
        }
        if (decided.kind === 'unchanged') return { ...existing(current), repeated: decided.repeated }
        const spilled = current && (await spill(current.state, decided.spilled, { signal }))
        const written = spilled ?? (await write(id, stored, decided.state, { signal }))
        if (written.outcome === 'applied') {
          const document = { state: decided.state, etag: written.etag }
          return { ...existing(viewOf({ ...stored, document })), repeated: false }
        }
        mayHaveWritten ||= written.outcome === 'unknown'
        const cause = written.outcome === 'unknown' ? written.cause : undefined
        await again(round, new StoreUnavailable('the process state could not be written in time', { cause }))
      }
    },
  }
}

function existing(current: ReadProcess | undefined): ReadProcess {
  if (current === undefined) throw new TypeError('only an existing process can stay unchanged')
  return current
}
