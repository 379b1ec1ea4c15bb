import type { CallOptions } from '../../ports/object-store.ts'
import { createGuardedLedger } from './guarded-ledger.ts'
import { withHeartbeat, withHeartbeats, writeHeartbeat } from './heartbeats.ts'
import { type InTurn, type LedgerDeps, storeNowMs } from './ledger-deps.ts'
import { createEventLedger } from './merge/event-ledger.ts'
import { createTidying } from './merge/tidy-events.ts'
import type { ProcessLedger, Sync } from './process-ledger.ts'
import { createProcessReader, type ProcessReader } from './process-reader.ts'
import { readSeries } from './read-series.ts'
import { sweepTraces } from './sweep-traces.ts'

/**
 * The ledger that the store allows: asked at every call, because a store may be seen to do less than before. Both ways
 * read what the other has written. `inTurn` spares those of one instance to meet; without it they step back more often.
 */
export function createLedger(deps: Omit<LedgerDeps, 'reader'> & { inTurn?: InTurn | undefined }): ProcessLedger {
  const { store, inTurn = (_key, _signal, work) => work() } = deps
  const stored = createProcessReader(deps)
  const tidying = createTidying(deps)
  const reader: ProcessReader = {
    ...stored,
    async all(options) {
      const all = await stored.all(options)
      await tidying.afterList(all.found, options)
      return all
    },
  }
  const ways = {
    cas: createGuardedLedger({ ...deps, reader }),
    merge: createEventLedger({ ...deps, reader, inTurn }),
  }
  const sync = async ({ signal }: CallOptions): Promise<Sync> => {
    const { conditionalPut } = await store.capabilities({ signal })
    return conditionalPut === 'atomic' ? 'cas' : 'merge'
  }
  const nowMs = () => storeNowMs(deps)
  return {
    nowMs,
    sync,
    async read(id, options) {
      const found = await ways[await sync(options)].read(id, options)
      return found && (await withHeartbeat(store, found, nowMs(), options))
    },
    async readAll(options) {
      return await withHeartbeats(store, await ways[await sync(options)].readAll(options), nowMs(), options)
    },
    series: async (id, request, options) => readSeries(store, await reader.one(id, options), request, options),
    beat: (id, attempt, options) => writeHeartbeat(store, { id, attempt, beatId: deps.ids.next() }, options),
    async apply(id, operation, options) {
      const applied = await ways[await sync(options)].apply(id, operation, options)
      if (operation.kind !== 'delete') return applied
      await sweepTraces(store, applied.state, options)
      if (applied.sync === 'merge') await tidying.afterDeletion(id, () => reader.one(id, options), options)
      return applied
    },
  }
}
