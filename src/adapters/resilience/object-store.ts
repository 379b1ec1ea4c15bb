import type {
  CallOptions,
  DeleteOutcome,
  ObjectStore,
  PutOutcome,
  StoreCapabilities,
} from '../../ports/object-store.ts'
import {
  type CallClass,
  type Circuit,
  type CircuitState,
  type Cockatiel,
  createCircuit,
  type World,
} from './circuit.ts'
import { deleteEach } from './delete-each.ts'
import { type Call, guarded } from './guarded-call.ts'
import { lostAsUnknown, unknownAsLost } from './lost-write.ts'
import { openBody } from './open-body.ts'
import { createPlaces } from './places.ts'
import { callTimes, defaultSettings, type ResilienceSettings, type Times } from './settings.ts'
import { watchedBody } from './watched-body.ts'

export interface ClassHealth extends CircuitState {
  readonly running: number
  readonly waiting: number
}

export type StoreHealth = Readonly<Record<CallClass, ClassHealth>>

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
  const placesOf = (name: CallClass) =>
    createPlaces({
      atOnce: settings[`${name}AtOnce`],
      queued: settings[`${name}Queued`],
      fullRetryAfterMs: settings.fullRetryAfterMs,
      nowMs: world.clock.nowMs,
    })
  const places = { data: placesOf('data'), meta: placesOf('meta'), list: placesOf('list') }
  let shared: { cockatiel: Cockatiel; circuits: Record<CallClass, Circuit> } | undefined

  const guard = async <Value>(call: Call<Value>): Promise<Value> => {
    call.signal.throwIfAborted()
    if (shared === undefined) {
      const cockatiel = await import('cockatiel')
      const circuit = (name: CallClass) => createCircuit(cockatiel, name, settings, world)
      // Others may have been here while we waited, and there must be one circuit for all.
      shared ??= { cockatiel, circuits: { data: circuit('data'), meta: circuit('meta'), list: circuit('list') } }
    }
    const { cockatiel, circuits } = shared
    return guarded(call, { cockatiel, circuit: circuits[call.group], places: places[call.group], settings, world })
  }

  /** Reads, and writes that may as well be done twice. */
  const repeat = <Value>(
    group: CallClass,
    operation: string,
    limits: Times,
    { signal }: CallOptions,
    attempt: Call<Value>['attempt'],
  ) => guard({ group, operation, ...limits, signal, repeatable: true, attempt })

  const write = <Outcome extends PutOutcome | DeleteOutcome>(call: Call<Outcome>) =>
    lostAsUnknown(guard({ ...call, writes: true, attempt: (signal) => unknownAsLost(call.attempt(signal)) }))

  let seen: StoreCapabilities | undefined

  const guardedStore: ObjectStore = {
    async capabilities(options) {
      options.signal.throwIfAborted()
      // What is remembered proves nothing of the store's health, so it neither waits for a place nor counts as a success.
      seen ??= await repeat('meta', 'capabilities', times.probe, options, (signal) => store.capabilities({ signal }))
      return seen
    },

    head: (key, options) => repeat('meta', 'head', times.meta, options, (signal) => store.head(key, { signal })),

    list: (options) => repeat('list', 'list', times.list, options, (signal) => store.list({ ...options, signal })),

    async get(key, options) {
      const opened = await repeat('data', 'get', times.open, options, (signal) => openBody(store, key, options, signal))
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

    put: (key, body, options) =>
      write({
        operation: 'put',
        group: 'data',
        ...times.sending(body.byteLength),
        signal: options.signal,
        repeatable: options.when === 'always',
        attempt: (signal) => store.put(key, body, { ...options, signal }),
      }),

    delete: (key, options) =>
      write({
        operation: 'delete',
        group: 'meta',
        ...times.meta,
        signal: options.signal,
        repeatable: options.ifMatch === undefined,
        attempt: (signal) => store.delete(key, { ...options, signal }),
      }),

    deleteMany: (keys, options) =>
      deleteEach(store, keys, options, (attempt) =>
        repeat('meta', 'deleteMany', times.deleting(keys.length), options, attempt),
      ),

    // A second upload does no harm: nobody knows the first, and it is swept.
    createMultipart: (key, options) =>
      repeat('meta', 'createMultipart', times.meta, options, (signal) =>
        store.createMultipart(key, { ...options, signal }),
      ),

    putPart: (upload, partNumber, body, options) =>
      repeat('data', 'putPart', times.sending(body.byteLength), options, (signal) =>
        store.putPart(upload, partNumber, body, { signal }),
      ),

    listParts: (upload, options) =>
      repeat('meta', 'listParts', times.meta, options, (signal) => store.listParts(upload, { signal })),

    abortMultipart: (upload, options) =>
      repeat('meta', 'abortMultipart', times.meta, options, (signal) => store.abortMultipart(upload, { signal })),

    // Not counted: stores that join files go on after a time-out. Not repeated: the upload is gone when it has worked.
    completeMultipart: (upload, parts, options) =>
      write({
        operation: 'completeMultipart',
        group: 'meta',
        ...times.completing(parts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)),
        signal: options.signal,
        repeatable: false,
        counted: false,
        attempt: (signal) => store.completeMultipart(upload, parts, { ...options, signal }),
      }),
  }

  const classHealth = (name: CallClass): ClassHealth => ({
    ...(shared?.circuits[name].state() ?? { circuit: 'closed', retryAfterMs: 0 }),
    ...places[name].count(),
  })

  return {
    store: guardedStore,
    health: () => ({ data: classHealth('data'), meta: classHealth('meta'), list: classHealth('list') }),
  }
}
