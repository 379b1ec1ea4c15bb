import type { Exclusive } from '../adapters/checked-conditions/keyed-mutex.ts'
import { withCheckedConditions } from '../adapters/checked-conditions/object-store.ts'
import { withResilience } from '../adapters/resilience/object-store.ts'
import type { Clock } from '../ports/clock.ts'
import type { Ids } from '../ports/ids.ts'
import type { Log } from '../ports/log.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import { InvalidConfig } from './config.ts'
import type { BreakerHealth } from './http/routes/operations.ts'

export interface GuardedStores {
  readonly objects: ObjectStore
  readonly state: ObjectStore
  readonly breakers: () => readonly BreakerHealth[]
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

/**
 * The only way to a store: nothing above gets one whose calls are not guarded. Conditions that the store lacks are made up
 * for inside of the guard: outside, a conditional write would reach it as an unconditional one, and be repeated after a
 * lost answer over what others have written since.
 */
export function guardStores(options: {
  objects: ObjectStore
  /** Another store for process state; the same guard is used when there is none. */
  state: ObjectStore | undefined
  /** One per key within this process; none on Workers, where requests cannot wait for each other. */
  exclusive: Exclusive | undefined
  clock: Clock
  ids: Ids
  log: Log
}): GuardedStores {
  const { exclusive, clock, ids, log } = options
  const guard = (name: string, store: ObjectStore) => {
    const checked = withCheckedConditions(store, exclusive === undefined ? {} : { exclusive })
    const resilient = withResilience(checked, { clock, ids, log })
    return {
      store: resilient.store,
      breakers: () =>
        Object.entries(resilient.health()).map(([group, { circuit }]) => ({
          name: `${name}-${group}`,
          state: circuit,
        })),
    }
  }
  const objects = guard('objects', options.objects)
  const state = options.state === undefined ? undefined : guard('state', options.state)
  return {
    objects: objects.store,
    state: state?.store ?? objects.store,
    breakers: () => [...objects.breakers(), ...(state?.breakers() ?? [])],
  }
}
