import type { CallOptions, ListedObject, ObjectStore } from '../../ports/object-store.ts'
import { everyObject } from '../object/list-objects.ts'
import { heartbeatPrefix } from './heartbeats.ts'
import { lifePrefix } from './metric-points.ts'
import type { ProcessState } from './process-state.ts'

/** Removes the series and heartbeats of a deleted process. What fails stays, and says nothing of a process made later. */
export async function sweepTraces(store: ObjectStore, state: ProcessState, { signal }: CallOptions): Promise<void> {
  try {
    for (const prefix of [lifePrefix(state), heartbeatPrefix(state.id)]) {
      const traces: ListedObject[] = []
      for await (const trace of everyObject(store, prefix, { signal })) traces.push(trace)
      const keys = traces.map(({ key }) => key)
      for (let start = 0; start < keys.length; start += 1000) {
        await store.deleteMany(keys.slice(start, start + 1000), { signal })
      }
    }
  } catch (error) {
    if (signal.aborted) throw error
  }
}
