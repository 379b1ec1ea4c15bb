import { CodedError, StoreUnavailable } from '../../ports/errors.ts'
import type { ObjectKey } from '../../ports/object-key.ts'
import type { CallOptions, DeleteResult, ETag, ObjectStore, Range, StoredObject } from '../../ports/object-store.ts'
import { type CallClass, type Circuit, type CircuitHealth, type Cockatiel, createCircuit, idle, type World } from './circuit.ts'
import { type Call, guarded } from './guarded-call.ts'
import { defaultSettings, metaTimes, type ResilienceSettings, sendTimes } from './settings.ts'
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
 * A `get` holds its place until the headers are there; its body is then bounded by the reader alone. Circuits are not
 * shared between instances.
 */
export function withResilience(
  store: ObjectStore,
  { settings: given = {}, ...world }: World & { settings?: Partial<ResilienceSettings> },
): ResilientObjectStore {
  const settings: ResilienceSettings = { ...defaultSettings, ...given }
  let shared: { cockatiel: Cockatiel; circuits: Record<CallClass, Circuit> } | undefined
