import type { Digests } from '../../../ports/digests.ts'
import type { Log } from '../../../ports/log.ts'
import type { ObjectKey } from '../../../ports/object-key.ts'
import type { CallOptions, ListedObject, ObjectStore } from '../../../ports/object-store.ts'
import { mapConcurrently } from '../../map-concurrently.ts'
import type { ProcessId } from '../process-state.ts'
import { readWhole } from '../read-whole.ts'
import { decodeBundle, type EventBundle, isBundleKey, type StoredEvent } from './event-bundle.ts'
import { decodeEvent, eventKey, eventPrefix, type ProcessEvent } from './process-event.ts'

export interface FoundEvents {
  readonly events: readonly StoredEvent[]
  /** Those among the listed objects that are bundles. */
  readonly bundles: ReadonlyMap<ObjectKey, EventBundle>
}

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
  const knownBundles = new Map<ObjectKey, EventBundle>()
  let count = 0

  const keep = (id: ProcessId, key: ObjectKey, event: StoredEvent) => {
    const events = known.get(id) ?? new Map<ObjectKey, StoredEvent>()
    if (!events.has(key)) count += 1
    events.set(key, event)
    known.set(id, events)
  }

  const readObject = async (key: ObjectKey, { signal }: CallOptions) => {
    const found = await store.get(key, { signal })
    return found && (await readWhole(found))
  }

  const readBundles = async (listed: readonly ListedObject[], options: CallOptions) => {
    const bundles = new Map<ObjectKey, EventBundle>()
    const keys = listed.map(({ key }) => key).filter(isBundleKey)
    await mapConcurrently(keys, readsInFlight, async (key) => {
      const kept = knownBundles.get(key)
      const bytes = kept === undefined ? await readObject(key, options) : undefined
      const bundle = kept ?? (bytes && decodeBundle(bytes, digests))
      if (bundle === undefined) return log.warn('process-event-torn', { key })
      knownBundles.set(key, bundle)
      bundles.set(key, bundle)
    })
    return bundles
  }

  return {
    /**
     * Gives what is listed and what was known before. Costs a GET for each bundle and event that is not known; what a bundle
     * holds, or the mark of a deletion makes void, is not read by itself. `isAlive`: a document says that the process was made
     * anew, so that no mark of before decides about what is later.
     */
    async read(
      id: ProcessId,
      { listed, isAlive }: { listed: readonly ListedObject[]; isAlive: boolean },
      options: CallOptions,
    ): Promise<FoundEvents> {
      const bundles = await readBundles(listed, options)
      // Nothing brings a process back but a document, which is then alive.
      const marks = isAlive ? [] : [...bundles.values()].filter(({ deleted }) => deleted)
      if (marks.length > 0) return { events: marks.flatMap(({ events }) => events), bundles }
      // Its own, because others may make this instance forget the process in between.
      const events = new Map(known.get(id))
      const see = (key: ObjectKey, event: StoredEvent) => {
        events.set(key, event)
        keep(id, key, event)
      }
      for (const event of [...bundles.values()].flatMap((bundle) => bundle.events)) {
        const key = eventKey(id, event)
        if (!events.has(key)) see(key, event)
      }
      const single = listed.filter(({ key }) => !isBundleKey(key))
      const unknown = single.filter(({ key }) => !events.has(key))
      // The same bytes may arrive once more, and are then dated anew.
      for (const { key, lastModified } of single) {
        const event = events.get(key)
        const storedAt = lastModified.toISOString()
        if (event !== undefined && (event.storedAt ?? '') < storedAt) see(key, { ...event, storedAt })
      }
      await mapConcurrently(unknown, readsInFlight, async ({ key, lastModified }) => {
        const bytes = await readObject(key, options)
        const event = bytes && decodeEvent(bytes, digests)
        if (event !== undefined) see(key, { ...event, storedAt: lastModified.toISOString() })
        else if (bytes !== undefined) log.warn('process-event-torn', { key })
      })
      return { events: [...events.values()], bundles }
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
        for (const key of knownBundles.keys()) if (key.startsWith(eventPrefix(id))) knownBundles.delete(key)
      }
    },
  }
}
