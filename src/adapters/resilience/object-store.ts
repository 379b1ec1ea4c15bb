import type { Digests } from '../../ports/digests.ts'
import { StoreUnavailable } from '../../ports/errors.ts'
import type { Log } from '../../ports/log.ts'
import type { ObjectKey } from '../../ports/object-key.ts'
import type {
  CallOptions,
  DeleteOutcome,
  MultipartUpload,
  ObjectStore,
  PutOutcome,
  StoreCapabilities,
} from '../../ports/object-store.ts'
import type { CallClass, ClassHealth, StoreHealth, StoreTelemetry } from '../../ports/store-telemetry.ts'
import { type Circuit, type Cockatiel, createCircuit, type World } from './circuit.ts'
import { completeUpload } from './complete-upload.ts'
import { deleteEach } from './delete-each.ts'
import { createEventsLog } from './events-log.ts'
import { isBody } from './evidence.ts'
import { type Call, guarded } from './guarded-call.ts'
import { createGuardedGet } from './guarded-get.ts'
import { lostAsUnknown, unknownAsLost } from './lost-write.ts'
import { type OpenedBody, openBody } from './open-body.ts'
import { patiently } from './patience.ts'
import { createPlaces, type Places } from './places.ts'
import { createRetryBudget, type RetryBudget } from './retry-budget.ts'
import { callTimes, defaultSettings, type ResilienceSettings, type Times } from './settings.ts'
import { createWholeCheck } from './whole-checked.ts'

export interface ResilientObjectStore {
  readonly store: ObjectStore
  /** A look at the circuits of this process or isolate. Asks nobody. */
  health(): StoreHealth
}

export interface ResilienceOptions extends Omit<World, 'tell'> {
  readonly digests: Pick<Digests, 'md5' | 'crc32'>
  readonly log: Log
  readonly telemetry?: StoreTelemetry | undefined
  readonly settings?: Partial<ResilienceSettings>
  /** Shared by all guards around one endpoint. Default: one's own. */
  readonly budget?: RetryBudget
  /** Whether whole bodies are checked against their recorded CRC-32: about 0.25 s of CPU a GB. Default: true. */
  readonly verifyBodies?: boolean
}

/**
 * Any store, made fit for a network. Every call has a deadline, a place in a queue, retries where doing it twice is as good
 * as once, and a circuit breaker for its class. Bodies that break off go on from the same byte; writes whose answer was lost
 * are looked for before they are repeated; joined parts are looked at before they are reported. Expected answers (absent,
 * rejected, not satisfiable …) pass through and count as health. What it cannot mend is `StoreUnavailable`, or `unknown`
 * for a write that may have happened.
 *
 * A `get` holds its place until the headers are there; its body is then bounded by its reader alone. Circuits, places and
 * budgets are those of one process or isolate, and not shared between instances.
 */
export function withResilience(store: ObjectStore, options: ResilienceOptions): ResilientObjectStore {
  const { clock, ids, digests, telemetry, verifyBodies = true } = options
  const settings: ResilienceSettings = { ...defaultSettings, ...options.settings }
  const { budget = createRetryBudget(settings.budget) } = options
  const logged = createEventsLog(options.log)
  const tell: StoreTelemetry = (event) => {
    logged(event)
    telemetry?.(event)
  }
  const world: World = { clock, ids, tell }
  const times = callTimes(settings)
  const placesOf = (atOnce: number, queued: number) =>
    createPlaces({ atOnce, queued, fullRetryAfterMs: settings.fullRetryAfterMs, nowMs: clock.nowMs })
  const places: Record<CallClass, Places> = {
    data: placesOf(settings.dataAtOnce, settings.dataQueued),
    meta: placesOf(settings.metaAtOnce, settings.metaQueued),
    list: placesOf(settings.listAtOnce, settings.listQueued),
  }
  const partPlaces = placesOf(settings.partsAtOnce, settings.dataQueued)
  let shared: { cockatiel: Cockatiel; circuits: Record<CallClass, Circuit> } | undefined

  const guard = async <Value>(call: Call<Value>, within = places[call.group]): Promise<Value> => {
    call.signal.throwIfAborted()
    if (shared === undefined) {
      const cockatiel = await import('cockatiel')
      const circuit = (name: CallClass) => createCircuit(cockatiel, name, settings, world)
      // Others may have been here while we waited, and there must be one circuit for all.
      shared ??= { cockatiel, circuits: { data: circuit('data'), meta: circuit('meta'), list: circuit('list') } }
    }
    const { cockatiel, circuits } = shared
    return guarded(call, { cockatiel, circuit: circuits[call.group], places: within, budget, settings, world })
  }

  const classHealth = (name: CallClass): ClassHealth => ({
    ...(shared?.circuits[name].state() ?? { circuit: 'closed', retryAfterMs: 0 }),
    ...places[name].count(),
  })

  /** Reads, and writes that may as well be done twice. */
  const repeat = <Value>(
    group: CallClass,
    operation: string,
    limits: Times,
    { signal }: CallOptions,
    attempt: Call<Value>['attempt'],
    { within, counted = true }: { within?: Places; counted?: boolean } = {},
  ) => guard({ group, operation, ...limits, signal, repeatable: true, counted, attempt }, within)

  const write = <Outcome extends PutOutcome | DeleteOutcome>(call: Call<Outcome>) =>
    lostAsUnknown(guard({ ...call, writes: true, attempt: (signal) => unknownAsLost(call.attempt(signal)) }))

  const settled = (group: CallClass, operation: string) =>
    tell({ event: 'settled', group, operation, verdict: 'landed' })

  const open: (...of: Parameters<ObjectStore['get']>) => Promise<OpenedBody | undefined> = (key, which) =>
    repeat('data', 'get', times.open, which, (signal) => openBody(store, key, which, signal))

  const headOf = (key: ObjectKey, { signal: callers, ...how }: CallOptions & { counted?: boolean }) =>
    repeat('meta', 'head', times.meta, { signal: callers }, (signal) => store.head(key, { signal }), how)

  const partsOf = (upload: MultipartUpload, { signal: callers, ...how }: CallOptions & { counted?: boolean }) =>
    repeat('meta', 'listParts', times.meta, { signal: callers }, (signal) => store.listParts(upload, { signal }), how)

  let seen: StoreCapabilities | undefined

  const { read, storedCrc32 } = store

  const guardedStore: ObjectStore = {
    async capabilities(which) {
      which.signal.throwIfAborted()
      // What is remembered proves nothing of the store's health, so it neither waits for a place nor counts as a success.
      // It is asked for all the same: the store may have been seen to do less than it did at first.
      if (seen !== undefined) return store.capabilities(which)
      seen = await repeat('meta', 'capabilities', times.probe, which, (signal) => store.capabilities({ signal }))
      return seen
    },

    head: (key, { signal }) => headOf(key, { signal }),

    list: (which) => repeat('list', 'list', times.list, which, (signal) => store.list({ ...which, signal })),

    get: createGuardedGet(open, {
      settings,
      clock,
      ids,
      crc32: verifyBodies ? digests.crc32 : undefined,
      countFailure: (failure) => shared?.circuits.data.countFailure(failure),
      tell,
    }),

    ...(read && {
      read(key, { signal: callers, ...which }) {
        const checked = createWholeCheck(verifyBodies ? digests.crc32 : undefined)
        return repeat('data', 'read', times.receiving(which.maxBytes), { signal: callers }, async (signal) => {
          const found = await read(key, { ...which, signal })
          return found && checked(found)
        })
      },
    }),

    ...(store.nowMs && { nowMs: store.nowMs }),

    ...(storedCrc32 && {
      storedCrc32: (key, { signal: callers, ...which }) =>
        repeat('meta', 'storedCrc32', times.meta, { signal: callers }, (signal) =>
          storedCrc32(key, { ...which, signal }),
        ),
    }),

    put: (key, body, { signal: callers, ...facts }) =>
      write({
        operation: 'put',
        group: 'data',
        ...times.sending(body.byteLength),
        signal: callers,
        repeatable: facts.when === 'always',
        attempt: (signal) => store.put(key, body, { ...facts, signal }),
        async settle(signal) {
          const now = await store.head(key, { signal })
          const { contentType, checksums } = facts
          if (now === undefined || !isBody(now, { body, contentType, checksums }, digests.md5)) return undefined
          settled('data', 'put')
          return { outcome: 'applied', etag: now.etag }
        },
      }),

    delete: (key, { signal: callers, ...which }) =>
      write<DeleteOutcome>({
        operation: 'delete',
        group: 'meta',
        ...times.meta,
        signal: callers,
        repeatable: which.ifMatch === undefined,
        attempt: (signal) => store.delete(key, { ...which, signal }),
        async settle(signal) {
          if ((await store.head(key, { signal })) !== undefined) return undefined
          settled('meta', 'delete')
          return { outcome: 'applied' }
        },
      }),

    deleteMany: (keys, which) =>
      deleteEach(store, keys, which, (attempt) =>
        repeat('meta', 'deleteMany', times.deleting(keys.length), which, attempt),
      ),

    // A second upload does no harm: nobody knows the first, and it is swept.
    createMultipart: (key, which) =>
      repeat('meta', 'createMultipart', times.meta, which, (signal) =>
        store.createMultipart(key, { ...which, signal }),
      ),

    // Sent again, a part replaces itself. It is one of many, and its bytes are not asked for again: a store that is away is
    // waited for.
    putPart(upload, partNumber, body, { signal: callers }) {
      const { attemptMs, deadlineMs } = times.sending(body.byteLength)
      const endsAtMs = clock.nowMs() + deadlineMs
      return patiently({ endsAtMs, settings, clock, ids, signal: callers }, async (round) => {
        const { circuit, retryAfterMs } = classHealth('data')
        if (round > 0 && circuit === 'open' && retryAfterMs > 0) {
          throw new StoreUnavailable('the store is left alone', { effect: 'never-sent', retryAfterMs })
        }
        const leftMs = Math.max(1, endsAtMs - clock.nowMs())
        return repeat(
          'data',
          'putPart',
          { attemptMs: Math.min(attemptMs, leftMs), deadlineMs: leftMs },
          { signal: callers },
          (signal) => store.putPart(upload, partNumber, body, { signal }),
          // One part that nothing helps must not, by being tried for long, close the store to everybody else.
          { within: partPlaces, counted: round === 0 || circuit !== 'closed' },
        )
      })
    },

    listParts: (upload, { signal }) => partsOf(upload, { signal }),

    abortMultipart: (upload, which) =>
      repeat('meta', 'abortMultipart', times.meta, which, (signal) => store.abortMultipart(upload, { signal })),

    completeMultipart: (upload, parts, which) =>
      completeUpload(
        {
          // Whatever the circuit says: an upload of an hour must not be lost to a minute's outage.
          look: {
            head: (key, { signal }) => headOf(key, { signal, counted: false }),
            listParts: (of, { signal }) => partsOf(of, { signal, counted: false }),
          },
          join: (of, all, { when, signal: callers }) =>
            write({
              operation: 'completeMultipart',
              group: 'meta',
              ...times.completing(all.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)),
              signal: callers,
              repeatable: false,
              counted: false,
              attempt: (signal) => store.completeMultipart(of, all, { when, signal }),
            }),
          digests,
          budget,
          settings,
          clock,
          ids,
          tell,
        },
        upload,
        parts,
        which,
      ),
  }

  return {
    store: guardedStore,
    health: () => ({
      data: classHealth('data'),
      meta: classHealth('meta'),
      list: classHealth('list'),
      parts: partPlaces.count(),
      retryBudget: budget.left(),
    }),
  }
}
