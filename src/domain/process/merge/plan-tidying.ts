import type { ObjectKey } from '../../../ports/object-key.ts'
import type { ListedObject } from '../../../ports/object-store.ts'
import type { StoredProcess } from '../process-reader.ts'
import type { ProcessId } from '../process-state.ts'
import { type EventBundle, isBundleKey, type StoredEvent } from './event-bundle.ts'
import { joinProcess, liveEvents } from './join.ts'
import { eventKey } from './process-event.ts'

export type Tidying =
  | { readonly kind: 'bundle'; readonly id: ProcessId; readonly bundle: EventBundle }
  | { readonly kind: 'remove'; readonly keys: readonly ObjectKey[] }

/** So long nobody has said anything. */
const quietMs = 60 * 60_000
/** What a bundle holds is removed so long after it: by then nobody reads by an older listing, and nothing is on its way. */
const keptMs = 24 * 60 * 60_000
const bundledEventsMin = 64
const bundledEventsMax = 1_000
const bundledBytesMax = 4 * 1024 * 1024
const removedMax = 1_000

/** The first thing to do about too many objects, if there is any: one request, whatever is there. Times are the store's. */
export function planTidying(found: readonly StoredProcess[], storeNowMs: number): Tidying | undefined {
  for (const stored of found) {
    const planned = stored.objects.length > 1 ? planFor(stored, storeNowMs) : undefined
    if (planned !== undefined) return planned
  }
  return undefined
}

function planFor(stored: StoredProcess, storeNowMs: number): Tidying | undefined {
  const { id, objects, bundles } = stored
  const isOld = ({ lastModified }: ListedObject) => lastModified.getTime() <= storeNowMs - keptMs
  const oldBundles = objects.filter((object) => bundles.has(object.key) && isOld(object))
  const newest = newestOf(objects)
  const isQuiet = newest !== undefined && newest.lastModified.getTime() <= storeNowMs - quietMs
  if (isDeleted(stored)) {
    const mark = newestOf(oldBundles.filter(({ key }) => bundles.get(key)?.deleted))
    if (mark !== undefined) return removal(objects.filter((object) => object !== mark && isOld(object)))
    const isMarked = [...bundles.values()].some(({ deleted }) => deleted)
    return isMarked || !isQuiet ? undefined : { kind: 'bundle', id, bundle: markOf(stored.events) }
  }
  const safe = keysIn(
    id,
    oldBundles.flatMap(({ key }) => bundles.get(key)?.events ?? []),
  )
  const gone = removal(objects.filter(({ key }) => !isBundleKey(key) && safe.has(key)))
  if (gone !== undefined || !isQuiet) return gone
  const bundled = keysIn(
    id,
    [...bundles.values()].flatMap(({ events }) => events),
  )
  const loose = objects.filter(({ key }) => !isBundleKey(key) && !bundled.has(key))
  if (loose.length < bundledEventsMin) return undefined
  return { kind: 'bundle', id, bundle: { deleted: false, events: someOf(stored, loose) } }
}

/** All that must be known of a deleted process: that it was made and deleted, and which attempts are taken. */
export function markOf(events: readonly StoredEvent[]): EventBundle {
  const live = liveEvents(events)
  const retry = live.reduce<StoredEvent | undefined>(
    (last, event) => (event.kind === 'retry' && event.attempt > (last?.attempt ?? 0) ? event : last),
    undefined,
  )
  const kept = [live.find(({ kind }) => kind === 'create'), retry, live.find(({ kind }) => kind === 'delete')]
  // Without their dates, which differ by who has seen them listed.
  return {
    deleted: true,
    events: kept.filter((event) => event !== undefined).map(({ storedAt: _, ...event }) => event),
  }
}

export function isDeleted({ id, document, events }: Pick<StoredProcess, 'id' | 'document' | 'events'>): boolean {
  return (
    events.some(({ kind }) => kind === 'delete') && joinProcess(id, document?.state, events)?.state.deleted === true
  )
}

function someOf({ id, events }: StoredProcess, loose: readonly ListedObject[]): StoredEvent[] {
  const chosen = new Set<ObjectKey>()
  let sizeBytes = 0
  for (const one of loose.toSorted((a, b) => a.lastModified.getTime() - b.lastModified.getTime())) {
    sizeBytes += one.sizeBytes
    if (chosen.size >= bundledEventsMax || (chosen.size > 0 && sizeBytes > bundledBytesMax)) break
    chosen.add(one.key)
  }
  return events.filter((event) => chosen.has(eventKey(id, event))).sort((a, b) => (a.writeId < b.writeId ? -1 : 1))
}

const keysIn = (id: ProcessId, events: readonly StoredEvent[]) => new Set(events.map((event) => eventKey(id, event)))

function newestOf(objects: readonly ListedObject[]): ListedObject | undefined {
  return objects.reduce<ListedObject | undefined>(
    (newest, one) => (newest === undefined || one.lastModified > newest.lastModified ? one : newest),
    undefined,
  )
}

function removal(objects: readonly ListedObject[]): Tidying | undefined {
  if (objects.length === 0) return undefined
  return { kind: 'remove', keys: objects.slice(0, removedMax).map(({ key }) => key) }
}
