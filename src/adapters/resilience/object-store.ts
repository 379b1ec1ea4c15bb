import type { DeleteOutcome, ObjectStore, PutOutcome } from '../../ports/object-store.ts'
import {
  type CallClass,
  type Circuit,
  type CircuitHealth,
  type Cockatiel,
  createCircuit,
  idle,
  type World,
} from './circuit.ts'
import { deleteEach } from './delete-each.ts'
import { type Call, guarded } from './guarded-call.ts'
import { lostAsUnknown, unknownAsLost } from './lost-write.ts'
import { openBody } from './open-body.ts'
import { callTimes, defaultSettings, type ResilienceSettings } from './settings.ts'
import { watchedBody } from './watched-body.ts'

export type StoreHealth = Readonly<Record<CallClass, CircuitHealth>>

export interface ResilientObjectStore {
  readonly store: ObjectStore
  /** A look at the circuits of this process or isolate. Asks nobody. */
  health(): StoreHealth
}

/**
 * Any store, made fit for a network: every call has a deadline, a place in a queue, retries where doing it twice is as
 * good as once, and a circuit breaker for its class. Expected answers (absent, rejected, not satisfiable …) pass through
 * and count as health. What it cannot mend is `StoreUnavailable`, or `unknown` for a write that may have happened.
 *
 * A `get` holds its place until the headers are there; its body is then bounded by its reader alone. Circuits are not
 * shared between instances.
 */
export function withResilience(
  store: ObjectStore,
  { settings: given = {}, ...world }: World & { settings?: Partial<ResilienceSettings> },
): ResilientObjectStore {
  const settings: ResilienceSettings = { ...defaultSettings, ...given }
  const times = callTimes(settings)
  let shared: { cockatiel: Cockatiel; circuits: Record<CallClass, Circuit> } | undefined

  const guard = async <Value>(call: Call<Value>): Promise<Value> => {
    call.signal.throwIfAborted()
    if (shared === undefined) {
      const cockatiel = await import('cockatiel')
      const circuit = (name: CallClass) => createCircuit(cockatiel, name, settings, world)
      // Others may have been here while we waited, and there must be one circuit for all.
      shared ??= { cockatiel, circuits: { data: circuit('data'), meta: circuit('meta'), list: circuit('list') } }
    }
    return guarded(call, { cockatiel: shared.cockatiel, circuit: shared.circuits[call.group], settings, world })
  }

  const guardWrite = <Outcome extends PutOutcome | DeleteOutcome>(call: Call<Outcome>) =>
    lostAsUnknown(guard({ ...call, attempt: (signal) => unknownAsLost(call.attempt(signal)) }))

  const guardedStore: ObjectStore = {
    capabilities: ({ signal: callers }) =>
      guard({
        operation: 'capabilities',
        group: 'meta',
        ...times.probe,
        signal: callers,
        repeatable: true,
        attempt: (signal) => store.capabilities({ signal }),
      }),

    put: (key, body, options) =>
      guardWrite({
        operation: 'put',
        group: 'data',
        ...times.sending(body.byteLength),
        signal: options.signal,
        repeatable: options.when === 'always',
        attempt: (signal) => store.put(key, body, { ...options, signal }),
      }),

    async get(key, options) {
      const opened = await guard({
        operation: 'get',
        group: 'data',
        ...times.open,
        signal: options.signal,
        repeatable: true,
        attempt: (signal) => openBody(store, key, options, signal),
      })
      if (opened === undefined) return undefined
      const body = watchedBody(opened.found.body, {
        clock: world.clock,
        idleMs: settings.bodyIdleMs,
        signal: options.signal,
        release: opened.release,
        onFailure(failure) {
          shared?.circuits.data.countFailure(failure)
          world.log.warn('store-body-failed', { message: failure.message })
        },
      })
      return { ...opened.found, body }
    },

    head: (key, { signal: callers }) =>
      guard({
        operation: 'head',
        group: 'meta',
        ...times.meta,
        signal: callers,
        repeatable: true,
        attempt: (signal) => store.head(key, { signal }),
      }),

    list: (options) =>
      guard({
        operation: 'list',
        group: 'list',
        ...times.list,
        signal: options.signal,
        repeatable: true,
        attempt: (signal) => store.list({ ...options, signal }),
      }),

    delete: (key, options) =>
      guardWrite({
        operation: 'delete',
        group: 'meta',
        ...times.meta,
        signal: options.signal,
        repeatable: options.ifMatch === undefined,
        attempt: (signal) => store.delete(key, { ...options, signal }),
      }),

    deleteMany: (keys, { signal: callers }) =>
      deleteEach(store, keys, { signal: callers }, (attempt) =>
        guard({
          operation: 'deleteMany',
          group: 'meta',
          ...times.deleting(keys.length),
          signal: callers,
          repeatable: true,
          attempt,
        }),
      ),

    // A second upload does no harm: nobody knows the first, and it is swept.
    createMultipart: (key, options) =>
      guard({
        operation: 'createMultipart',
        group: 'meta',
        ...times.meta,
        signal: options.signal,
        repeatable: true,
        attempt: (signal) => store.createMultipart(key, { ...options, signal }),
      }),

    putPart: (upload, partNumber, body, { signal: callers }) =>
      guard({
        operation: 'putPart',
        group: 'data',
        ...times.sending(body.byteLength),
        signal: callers,
        repeatable: true,
        attempt: (signal) => store.putPart(upload, partNumber, body, { signal }),
      }),

    listParts: (upload, { signal: callers }) =>
      guard({
        operation: 'listParts',
        group: 'meta',
        ...times.meta,
        signal: callers,
        repeatable: true,
        attempt: (signal) => store.listParts(upload, { signal }),
      }),

    // Not counted: stores that join files go on after a time-out. Not repeated: the upload is gone when it has worked.
    completeMultipart: (upload, parts, options) =>
      guardWrite({
        operation: 'completeMultipart',
        group: 'meta',
        ...times.complete,
        signal: options.signal,
        repeatable: false,
        counted: false,
        attempt: (signal) => store.completeMultipart(upload, parts, { ...options, signal }),
      }),

    abortMultipart: (upload, { signal: callers }) =>
      guard({
        operation: 'abortMultipart',
        group: 'meta',
        ...times.meta,
        signal: callers,
        repeatable: true,
        attempt: (signal) => store.abortMultipart(upload, { signal }),
      }),
  }

  return {
    store: guardedStore,
    health: () => ({
      data: shared?.circuits.data.health() ?? idle,
      meta: shared?.circuits.meta.health() ?? idle,
      list: shared?.circuits.list.health() ?? idle,
    }),
  }
}
