import type { Digests } from '../../ports/digests.ts'
import type { Log } from '../../ports/log.ts'
import type { ObjectKey } from '../../ports/object-key.ts'
import type { CallOptions, ETag, ListedObject, ObjectStore, StoredObject } from '../../ports/object-store.ts'
import { mapConcurrently } from '../map-concurrently.ts'
import { everyObject } from '../object/list-objects.ts'
import type { EventBundle, StoredEvent } from './merge/event-bundle.ts'
import { createEventReader } from './merge/event-reader.ts'
import { eventPrefix, type ProcessEvent } from './merge/process-event.ts'
import { decodeState, type ProcessId, type ProcessState, processPrefix, stateKey } from './process-state.ts'
import { readWhole } from './read-whole.ts'

export interface StoredDocument {
  /** With `heardAt` made out. */
  readonly state: ProcessState
  readonly etag: ETag
}

/** All that lies in the store of one process. */
export interface StoredProcess {
  readonly id: ProcessId
  readonly document: StoredDocument | undefined
  readonly events: readonly StoredEvent[]
  /** Where the events lie, and which of these objects are bundles. */
  readonly objects: readonly ListedObject[]
  readonly bundles: ReadonlyMap<ObjectKey, EventBundle>
}

export interface ProcessReader {
  /** Costs a GET and a LIST, and a GET for each event that this instance has not seen. */
  one(id: ProcessId, options: CallOptions): Promise<StoredProcess>
  /** Costs a LIST for each 1,000 objects, and a GET for each document that has changed, and each event not seen. */
  all(
    options: CallOptions,
  ): Promise<{ readonly found: readonly StoredProcess[]; readonly unreadable: readonly string[] }>
  /** Of an event that the store has taken: this instance need not wait until it is listed, nor read it. */
  remember(id: ProcessId, event: ProcessEvent): void
}

const readsInFlight = 16
/** Some 500 bytes each; what is forgotten is read again. */
const defaultCachedEventsMax = 50_000

/** Reads what the ledgers write. Keeps documents by version: values only, so any request may use them. */
export function createProcessReader(deps: {
  store: ObjectStore
  digests: Pick<Digests, 'sha256'>
  log: Log
  cachedEventsMax?: number
}): ProcessReader {
  const { store, cachedEventsMax: keptMax = defaultCachedEventsMax } = deps
  const eventReader = createEventReader({ ...deps, keptMax })
  const documents = new Map<ObjectKey, StoredDocument>()
  const listEvents = async (id: ProcessId, { signal }: CallOptions): Promise<ListedObject[]> => {
    const listed: ListedObject[] = []
    for await (const object of everyObject(store, eventPrefix(id), { signal })) listed.push(object)
    return listed
  }

  const withEvents = async (
    id: ProcessId,
    document: StoredDocument | undefined,
    listed: readonly ListedObject[],
    options: CallOptions,
  ): Promise<StoredProcess> => {
    const isAlive = document !== undefined && !document.state.deleted
    return { id, document, objects: listed, ...(await eventReader.read(id, { listed, isAlive }, options)) }
  }

  const readDocument = async (id: ProcessId, { signal }: CallOptions): Promise<StoredDocument | undefined> => {
    const found = await store.get(stateKey(id), { signal })
    return found && (await documentOf(found))
  }

  const listedDocument = async ({ key, etag }: ListedObject, { signal }: CallOptions) => {
    const known = documents.get(key)
    if (known?.etag === etag) return known
    const found = await store.get(key, { signal })
    if (found === undefined) return undefined
    const document = await documentOf(found)
    documents.set(key, document)
    return document
  }

  return {
    async one(id, options) {
      const [document, listed] = await Promise.all([readDocument(id, options), listEvents(id, options)])
      const found = await withEvents(id, document, listed, options)
      eventReader.touch(id)
      eventReader.trim()
      return found
    },

    async all(options) {
      const { signal } = options
      const byId = new Map<string, { document: ListedObject | undefined; events: ListedObject[] }>()
      for await (const object of everyObject(store, processPrefix, { signal })) {
        const name = object.key.slice(processPrefix.length)
        const slash = name.indexOf('/')
        const id = slash === -1 ? name.replace(/\.json$/, '') : name.slice(0, slash)
        const one = byId.get(id) ?? { document: undefined, events: [] }
        byId.set(id, one)
        if (slash === -1) one.document = object
        else one.events.push(object)
      }
      forgetGone(documents, byId)
      const unreadable: string[] = []
      const read = await mapConcurrently([...byId], readsInFlight, async ([name, listed]) => {
        const id = name as ProcessId
        try {
          const document = listed.document && (await listedDocument(listed.document, options))
          return await withEvents(id, document, listed.events, options)
        } catch (error) {
          if (signal.aborted) throw error
          unreadable.push(id)
          return undefined
        }
      })
      eventReader.trim()
      return { found: read.filter((one) => one !== undefined), unreadable }
    },

    remember: eventReader.remember,
  }
}

async function documentOf(found: StoredObject): Promise<StoredDocument> {
  const { etag, lastModified } = found.meta
  const state = decodeState(await readWhole(found))
  const heardAt = state.worker === null ? null : (state.heardAt ?? lastModified.toISOString())
  return { state: { ...state, heardAt }, etag }
}

function forgetGone(documents: Map<ObjectKey, unknown>, present: ReadonlyMap<string, unknown>): void {
  for (const key of documents.keys()) {
    if (!present.has(key.slice(processPrefix.length, -'.json'.length))) documents.delete(key)
  }
}
