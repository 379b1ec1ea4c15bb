import { CodedError } from '../../ports/errors.ts'
import { type ObjectKey, parseObjectKey } from '../../ports/object-key.ts'
import type { CallOptions, ObjectStore } from '../../ports/object-store.ts'
import { everyObject } from '../object/list-objects.ts'
import { livenessOf } from './liveness.ts'
import type { EveryProcess, ReadProcess } from './process-ledger.ts'
import type { ProcessId } from './process-state.ts'

const allHeartbeats = 'processes/heartbeats/'
export const heartbeatPrefix = (id: ProcessId): string => `${allHeartbeats}${id}/`

/** One for each attempt, so that a late one of an old worker says nothing of the new one. */
function heartbeatKey(id: ProcessId, attempt: number): ObjectKey {
  return parseObjectKey(`${heartbeatPrefix(id)}${attempt}.json`)
}

/**
 * Only the date of the object counts, which the store sets; `beatId` is new each time, so that a beat which was lost is not
 * taken for landed because the one before is there. One request; an outcome that stays unknown is no failure.
 */
export async function writeHeartbeat(
  store: ObjectStore,
  { id, attempt, beatId }: { readonly id: ProcessId; readonly attempt: number; readonly beatId: string },
  { signal }: CallOptions,
): Promise<void> {
  const body = new TextEncoder().encode(JSON.stringify({ id, attempt, beatId }))
  await store.put(heartbeatKey(id, attempt), body, { contentType: 'application/json', when: 'always', signal })
}

/** Up to so many are looked at one by one, and more of them by a listing. */
const singleLooksMax = 2

const isSilent = ({ state }: ReadProcess, storeNowMs: number): boolean => {
  const liveness = livenessOf(state, storeNowMs)
  return liveness === 'stalled' || liveness === 'lost'
}

function heardAgain<Process extends ReadProcess>(process: Process, beatAt: Date | undefined): Process {
  const at = beatAt?.toISOString()
  if (at === undefined || at <= (process.state.heardAt ?? '')) return process
  return { ...process, state: { ...process.state, heardAt: at } }
}

/**
 * With `heardAt` as its heartbeat has it. Looked at only where the state alone would call the worker silent, at one HEAD.
 * Throws when it cannot be looked at: nobody may be called lost for that.
 */
export async function withHeartbeat<Process extends ReadProcess>(
  store: ObjectStore,
  process: Process,
  storeNowMs: number,
  { signal }: CallOptions,
): Promise<Process> {
  if (!isSilent(process, storeNowMs)) return process
  const beat = await store.head(heartbeatKey(process.state.id, process.state.attempt), { signal })
  return heardAgain(process, beat?.lastModified)
}

/**
 * The same for many: a HEAD for each of the silent while they are few, and else one LIST for each 1,000 heartbeats that are
 * kept. Those that cannot be looked at are `unreadable`.
 */
export async function withHeartbeats(
  store: ObjectStore,
  { processes, unreadable }: EveryProcess,
  storeNowMs: number,
  options: CallOptions,
): Promise<EveryProcess> {
  const silent = processes.filter((process) => isSilent(process, storeNowMs))
  if (silent.length === 0) return { processes, unreadable }
  try {
    const beats = await (silent.length <= singleLooksMax ? headEach : listAll)(store, silent, options)
    return { processes: processes.map((one) => heardAgain(one, beats.get(keyOf(one)))), unreadable }
  } catch (error) {
    options.signal.throwIfAborted()
    if (!(error instanceof CodedError)) throw error
    const unseen = new Set<ReadProcess>(silent)
    return {
      processes: processes.filter((process) => !unseen.has(process)),
      unreadable: [...unreadable, ...silent.map(({ state }) => state.id)],
    }
  }
}

const keyOf = ({ state }: ReadProcess): ObjectKey => heartbeatKey(state.id, state.attempt)

type Beats = Map<ObjectKey, Date>

async function headEach(store: ObjectStore, silent: readonly ReadProcess[], { signal }: CallOptions): Promise<Beats> {
  const beats: Beats = new Map()
  for (const key of silent.map(keyOf)) {
    const beat = await store.head(key, { signal })
    if (beat !== undefined) beats.set(key, beat.lastModified)
  }
  return beats
}

async function listAll(store: ObjectStore, _silent: readonly ReadProcess[], options: CallOptions): Promise<Beats> {
  const beats: Beats = new Map()
  for await (const { key, lastModified } of everyObject(store, allHeartbeats, options)) beats.set(key, lastModified)
  return beats
}
