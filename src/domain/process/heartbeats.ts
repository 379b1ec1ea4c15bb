import { type ObjectKey, parseObjectKey } from '../../ports/object-key.ts'
import type { CallOptions, ObjectStore } from '../../ports/object-store.ts'
import { mapConcurrently } from '../map-concurrently.ts'
import { livenessOf } from './liveness.ts'
import type { ReadProcess } from './process-ledger.ts'
import type { ProcessId } from './process-state.ts'

export const heartbeatPrefix = (id: ProcessId): string => `processes/heartbeats/${id}/`

/** One for each attempt, so that a late one of an old worker says nothing of the new one. */
function heartbeatKey(id: ProcessId, attempt: number): ObjectKey {
  return parseObjectKey(`${heartbeatPrefix(id)}${attempt}.json`)
}

/** Only the date of the object counts, which the store sets. One request; an outcome that stays unknown is no failure. */
export async function writeHeartbeat(
  store: ObjectStore,
  id: ProcessId,
  attempt: number,
  { signal }: CallOptions,
): Promise<void> {
  const body = new TextEncoder().encode(JSON.stringify({ id, attempt }))
  await store.put(heartbeatKey(id, attempt), body, { contentType: 'application/json', when: 'always', signal })
}

const looksInFlight = 16

/**
 * With `heardAt` as the heartbeats have it. They are looked at only where the state alone would call the worker silent, at
 * one HEAD each; who cannot look believes the state.
 */
export async function withHeartbeats<Process extends ReadProcess>(
  store: ObjectStore,
  processes: readonly Process[],
  storeNowMs: number,
  { signal }: CallOptions,
): Promise<Process[]> {
  return await mapConcurrently(processes, looksInFlight, async (process) => {
    const { state } = process
    const liveness = livenessOf(state, storeNowMs)
    if (liveness === 'none' || liveness === 'alive') return process
    const beat = await store.head(heartbeatKey(state.id, state.attempt), { signal })
    if (beat === undefined) return process
    const at = beat.lastModified.toISOString()
    return at > (state.heardAt ?? '') ? { ...process, state: { ...state, heardAt: at } } : process
  })
}
