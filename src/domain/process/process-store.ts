import type { Clock } from '../../ports/clock.ts'
import type { Digests } from '../../ports/digests.ts'
import { StoreUnavailable } from '../../ports/errors.ts'
import type { Ids } from '../../ports/ids.ts'
import type { CallOptions, ETag, ObjectStore } from '../../ports/object-store.ts'
import type { ProcessOperation } from './operation.ts'
import { decodeState, encodeState, type ProcessId, type ProcessState, stateKey } from './process-state.ts'
import { transition } from './transition.ts'

export interface ReadProcess {
  readonly state: ProcessState
  readonly etag: ETag
}

/** `repeated`: the operation had been applied before; `state` is what it finds now. */
export interface AppliedOperation extends ReadProcess {
  readonly repeated: boolean
}

export interface ProcessDeps {
  readonly store: ObjectStore
  readonly digests: Digests
  readonly clock: Clock
  readonly ids: Ids
}

/** How long one operation may fight for its write before its outcome is called unknown. */
const deadlineMs = 10_000
const firstBackoffMs = 25
const maxBackoffMs = 1_000

/** `undefined` when there is no such process; a store that fails is an error, never an absence. */
export async function readProcess(
  store: ObjectStore,
  id: ProcessId,
  { signal }: CallOptions,
): Promise<ReadProcess | undefined> {
  const found = await store.get(stateKey(id), { signal })
  if (found === undefined) return undefined
  const bytes = new Uint8Array(await new Response(found.body).arrayBuffer())
  return { state: decodeState(bytes), etag: found.meta.etag }
}

/**
 * Read, decide, write guarded by what was read; again while others get in between. The loop owns the retry: one try per
 * round reaches the store, and after an answer that was lost the next round looks whether the write is there.
 *
 * Throws the refusal of the state machine, or `StoreUnavailable` when the outcome stays unknown: the same operation id
 * may then be sent again.
 */
export async function applyOperation(
  { store, digests, clock, ids }: ProcessDeps,
  id: ProcessId,
  operation: ProcessOperation,
  { signal }: CallOptions,
): Promise<AppliedOperation> {
  const giveUpAtMs = clock.nowMs() + deadlineMs
  for (let round = 0; ; round++) {
    const current = await readProcess(store, id, { signal })
    // The present version is the very write of this call, whose answer was lost.
    if (current?.state.writeId === operation.writeId) return { ...current, repeated: false }
    const decided = transition(current?.state, operation)
    if (decided.kind === 'refused') throw decided.error
    if (decided.kind === 'unchanged') return { ...existing(current), repeated: decided.repeated }
    const body = encodeState(decided.state)
    const running = digests.start()
    running.update(body)
    const written = await store.put(stateKey(id), body, {
      contentType: 'application/json',
      // So that a document which is damaged on its way is seen, and read again.
      checksums: running.read(),
      when: current === undefined ? 'if-absent' : { ifMatch: current.etag },
      signal,
    })
    if (written.outcome === 'applied') return { state: decided.state, etag: written.etag, repeated: false }
    if (clock.nowMs() >= giveUpAtMs) {
      const cause = written.outcome === 'unknown' ? written.cause : undefined
      throw new StoreUnavailable('the process state could not be written in time', { cause })
    }
    await clock.sleep(ids.fraction() * Math.min(maxBackoffMs, firstBackoffMs * 2 ** round), signal)
  }
}

function existing(current: ReadProcess | undefined): ReadProcess {
  if (current === undefined) throw new TypeError('only an existing process can stay unchanged')
  return current
}
