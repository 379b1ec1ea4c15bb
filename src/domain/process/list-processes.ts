import { InvalidCursor } from '../../ports/errors.ts'
import type { CallOptions, ETag, ListedObject, ObjectStore } from '../../ports/object-store.ts'
import { mapConcurrently } from '../map-concurrently.ts'
import { everyObject } from '../object/list-objects.ts'
import {
  decodeState,
  type ProcessId,
  type ProcessState,
  type ProcessStatus,
  type ProcessType,
  processPrefix,
} from './process-state.ts'

export interface ProcessPage {
  /** Newest first; of equal times, the last in order of ids first. */
  readonly processes: readonly ProcessState[]
  readonly nextCursor: string | undefined
  /** Processes that are there and could not be read now; never silently left out. */
  readonly unreadable: readonly string[]
}

/** States by key, each true for the one version that its ETag names. Values only, so any request may use it. */
export type StateCache = Map<string, { readonly etag: ETag; readonly state: ProcessState }>

const readsInFlight = 16

/** Costs one LIST per 1,000 processes and one GET per process that changed since the cache saw it. */
export async function listProcesses(
  { store, cache }: { store: ObjectStore; cache: StateCache },
  request: CallOptions & {
    status: ProcessStatus | undefined
    type: ProcessType | undefined
    cursor: string | undefined
    limit: number
  },
): Promise<ProcessPage> {
  const { status, type, cursor, limit, signal } = request
  if (cursor !== undefined && !aPosition.test(cursor)) throw new InvalidCursor('the cursor is not one of this listing')
  const listed: ListedObject[] = []
  for await (const object of everyObject(store, processPrefix, { signal })) listed.push(object)
  const unreadable: string[] = []
  const states = await mapConcurrently(listed, readsInFlight, async (object) => {
    try {
      return await readThrough(store, cache, object, signal)
    } catch (error) {
      if (signal.aborted) throw error
      unreadable.push(object.key.slice(processPrefix.length, -'.json'.length))
      return undefined
    }
  })
  forgetGone(cache, listed)
  const wanted = states
    .filter((state) => state !== undefined)
    .filter((state) => (status === undefined || state.status === status) && (type === undefined || state.type === type))
    .sort((a, b) => (position(a) < position(b) ? 1 : -1))
  const start = cursor === undefined ? 0 : wanted.findIndex((state) => position(state) < cursor)
  const page = start === -1 ? [] : wanted.slice(start, start + limit)
  const last = page.at(-1)
  const more = last !== undefined && start + limit < wanted.length
  return { processes: page, nextCursor: more ? position(last) : undefined, unreadable }
}

const aPosition = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z~[\w-]{1,64}$/

function position({ createdAt, id }: { createdAt: string; id: ProcessId }): string {
  return `${createdAt}~${id}`
}

async function readThrough(
  store: ObjectStore,
  cache: StateCache,
  { key, etag }: ListedObject,
  signal: AbortSignal,
): Promise<ProcessState | undefined> {
  const known = cache.get(key)
  if (known?.etag === etag) return known.state
  const found = await store.get(key, { signal })
  if (found === undefined) return undefined
  const state = decodeState(new Uint8Array(await new Response(found.body).arrayBuffer()))
  cache.set(key, { etag: found.meta.etag, state })
  return state
}

function forgetGone(cache: StateCache, listed: readonly ListedObject[]): void {
  const present = new Set<string>(listed.map(({ key }) => key))
  for (const key of cache.keys()) if (!present.has(key)) cache.delete(key)
}
