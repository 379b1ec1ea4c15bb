import type { Exclusive } from '../adapters/checked-conditions/keyed-mutex.ts'
import { withCheckedConditions } from '../adapters/checked-conditions/object-store.ts'
import { withTurns } from '../adapters/checked-conditions/turns.ts'
import { withResilience } from '../adapters/resilience/object-store.ts'
import { createRetryBudget, type RetryBudget } from '../adapters/resilience/retry-budget.ts'
import { defaultSettings, type ResilienceSettings, stateSettings } from '../adapters/resilience/settings.ts'
import { withSidecars } from '../adapters/sidecars/object-store.ts'
import { type SelfCheck, withSelfCheck } from '../domain/doctor/self-check.ts'
import { isPublic } from '../domain/object/public-key.ts'
import type { Clock } from '../ports/clock.ts'
import type { Digests } from '../ports/digests.ts'
import type { Ids } from '../ports/ids.ts'
import type { Log } from '../ports/log.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import type { StoreHealth, StoreTelemetry } from '../ports/store-telemetry.ts'
import { InvalidConfig } from './config.ts'
import type { BreakerHealth } from './http/routes/readiness.ts'

export interface GuardedStores {
  readonly objects: ObjectStore
  readonly state: ObjectStore
  /** A look at circuits, queues and budgets. Asks nobody. */
  readonly health: () => Readonly<Record<'objects' | 'state', StoreHealth>>
  readonly breakers: () => readonly BreakerHealth[]
  /** One for each store beneath the guards. */
  readonly selfChecks: readonly SelfCheck[]
}

/** `STATE_CAS=require`: throws `InvalidConfig` unless the store of process state decides between racing writers. */
export async function demandStateCas(
  stateCas: 'auto' | 'require',
  state: ObjectStore,
  signal: AbortSignal,
): Promise<void> {
  if (stateCas === 'auto') return
  const { conditionalPut } = await state.capabilities({ signal })
  if (conditionalPut === 'atomic') return
  throw new InvalidConfig([
    'STATE_CAS: this store cannot decide between racing writers; see STATE_S3_* or STATE_CAS=auto',
  ])
}

/** Lines that say which store they are about. */
const ofStore = (log: Log, store: string): Log => ({
  debug: (event, fields) => log.debug(event, { store, ...fields }),
  info: (event, fields) => log.info(event, { store, ...fields }),
  warn: (event, fields) => log.warn(event, { store, ...fields }),
  error: (event, fields) => log.error(event, { store, ...fields }),
})

/**
 * The only way to a store: nothing above gets one whose calls are not guarded. Conditions that the store lacks are made up
 * for inside of the guard: outside, a conditional write would reach it as an unconditional one, and be repeated after a
 * lost answer over what others have written since. Turns at a key are taken outside of it: waiting is no failure.
 *
 * Process state has a guard of its own, also on the same store: its times are shorter, and uploads that fill their queue or
 * open their circuit leave it alone. What may be spent on retries is one budget for each store.
 */
export function guardStores(options: {
  objects: ObjectStore
  /** Another store for process state. */
  state: ObjectStore | undefined
  /** One per key within this process; none on Workers, where requests cannot wait for each other. */
  exclusive: Exclusive | undefined
  clock: Clock
  ids: Ids
  digests: Digests
  log: Log
  telemetry?: ((store: 'objects' | 'state') => StoreTelemetry) | undefined
  settings?: Partial<ResilienceSettings>
  /** Of the other store for process state, where they differ. */
  stateStoreSettings?: Partial<ResilienceSettings>
  verifyBodies?: boolean
}): GuardedStores {
  const { exclusive, clock, ids, digests, log, telemetry, verifyBodies = true } = options
  const settings: ResilienceSettings = { ...defaultSettings, ...options.settings }
  const ofState = options.state === undefined ? settings : { ...defaultSettings, ...options.stateStoreSettings }
  const selfChecks: SelfCheck[] = []
  /** Innermost: what a store is seen not to do any more must reach those who make up for it. */
  const checked = (name: 'objects' | 'state', store: ObjectStore) => {
    const selfChecked = withSelfCheck(store, { clock, ids, log, name })
    selfChecks.push(selfChecked)
    return withCheckedConditions(selfChecked.store, exclusive === undefined ? {} : { exclusive })
  }
  const guard = (name: 'objects' | 'state', store: ObjectStore, own: ResilienceSettings, budget: RetryBudget) =>
    withResilience(store, {
      clock,
      ids,
      digests,
      log: ofStore(log, name),
      telemetry: telemetry?.(name),
      settings: own,
      budget,
      verifyBodies,
    })

  const objectsInside = checked('objects', options.objects)
  const budget = createRetryBudget(settings.budget)
  const objects = guard('objects', objectsInside, settings, budget)
  const state =
    options.state === undefined
      ? guard('state', objectsInside, stateSettings(ofState), budget)
      : guard('state', checked('state', options.state), stateSettings(ofState), createRetryBudget(ofState.budget))
  const breakersOf = (name: string, { data, meta, list }: StoreHealth): BreakerHealth[] =>
    Object.entries({ data, meta, list }).map(([group, { circuit }]) => ({ name: `${name}-${group}`, state: circuit }))
  return {
    // Outside of the guard, so that their own calls are tried again like any others. Users' objects only: the type of our own
    // bookkeeping is known, and its checksums are not asked for.
    objects: withSidecars(withTurns(objects.store, exclusive), { log, covers: isPublic, nowMs: clock.nowMs }),
    state: withTurns(state.store, exclusive),
    health: () => ({ objects: objects.health(), state: state.health() }),
    breakers: () => [...breakersOf('objects', objects.health()), ...breakersOf('state', state.health())],
    selfChecks,
  }
}
