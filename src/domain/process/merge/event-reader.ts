import type { Digests } from '../../../ports/digests.ts'
import type { Log } from '../../../ports/log.ts'
import type { ObjectKey } from '../../../ports/object-key.ts'
import type { CallOptions, ListedObject, ObjectStore } from '../../../ports/object-store.ts'
import { mapConcurrently } from '../../map-concurrently.ts'
import type { ProcessId } from '../process-state.ts'
import { readWhole } from '../read-whole.ts'
import { decodeEvent, eventKey, type ProcessEvent } from './process-event.ts'

/** An event, and when the store took it; `undefined` while this instance has only written it. */
export type StoredEvent = ProcessEvent & { readonly storedAt?: string }

const readsInFlight = 16

/**
 * Reads events, and keeps them, because they never change: values only, so any request may use them. `keptMax` is how many;
 * more are forgotten by whole processes, the one first that was asked for longest ago, and read again.
 */
export function createEventReader(deps: {
  store: ObjectStore
  digests: Pick<Digests, 'sha256'>
  log: Log
  keptMax: number
}) {
  const { store, digests, log, keptMax } = deps
  /** By id, so that a listing which is late takes nothing away that this instance has seen. */
  const known = new Map<ProcessId, Map<ObjectKey, StoredEvent>>()
  let count = 0

  const keep = (id: ProcessId, key: ObjectKey, event: StoredEvent) => {
    const events = known.get(id) ?? new Map<ObjectKey, StoredEvent>()
    if (!events.has(key)) count += 1
    events.set(key, event)
    known.set(id, events)
  }

  return {
    /** Gives what is listed and what was known before. Costs a GET for each event that is not known. */
    async read(id: ProcessId, listed: readonly ListedObject[], { signal }: CallOptions): Promise<StoredEvent[]> {
      // Its own, because others may make this instance forget the process in between.
      const events = new Map(known.get(id))
      const see = (key: ObjectKey, event: StoredEvent) => {
        events.set(key, event)
        keep(id, key, event)
      }
      const unknown = listed.filter(({ key }) => !events.has(key))
      // The same bytes may arrive once more, and are then dated anew.
      for (const { key, lastModified } of listed) {
        const event = events.get(key)
        const storedAt = lastModified.toISOString()
        if (event !== undefined && (event.storedAt ?? '') < storedAt) see(key, { ...event, storedAt })
      }
      await mapConcurrently(unknown, readsInFlight, async ({ key, lastModified }) => {
        const found = await store.get(key, { signal })
        if (found === undefined) return
        const event = decodeEvent(await readWhole(found), digests)
        if (event === undefined) return log.warn('process-event-torn', { key })
        see(key, { ...event, storedAt: lastModified.toISOString() })
      })
      return [...events.values()]
    },

    /** Of an event that the store has taken: this instance need not wait until it is listed, nor read it. */
    remember(id: ProcessId, event: ProcessEvent): void {
      const key = eventKey(id, event)
      if (!known.get(id)?.has(key)) keep(id, key, event)
    },

    /** It was asked for by itself. A list asks for all, which says nothing of any. */
    touch(id: ProcessId): void {
      const events = known.get(id)
      if (events === undefined) return
      known.delete(id)
      known.set(id, events)
    },

    /** After whole reads: what was read for a list may not fit, and no more than that is read again for the next. */
    trim(): void {
      for (const [id, events] of known) {
        if (count <= keptMax || known.size === 1) return
        known.delete(id)
        count -= events.size
      }
    },
  }
}
