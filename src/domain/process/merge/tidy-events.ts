import type { CallOptions } from '../../../ports/object-store.ts'
import { type LedgerDeps, storeNowMs } from '../ledger-deps.ts'
import type { StoredProcess } from '../process-reader.ts'
import type { ProcessId } from '../process-state.ts'
import { bundleKey, type EventBundle, encodeBundle } from './event-bundle.ts'
import { isDeleted, markOf, planTidying } from './plan-tidying.ts'

const restMs = 10 * 60_000
/** For each list, where a key is a request. */
const removedSinglyMax = 16

/**
 * Bundles what is over, and removes what is bundled: one request for each list (16 on a store that deletes key by key). Never
 * throws; what fails is tried again ten minutes later.
 */
export function createTidying(deps: Pick<LedgerDeps, 'store' | 'digests' | 'clock'>) {
  const { store, digests, clock } = deps
  let restsUntilMs = Number.NEGATIVE_INFINITY

  const attempt = async (work: () => Promise<boolean>) => {
    let isDone = false
    try {
      isDone = await work()
    } catch {
      // Said by the store's own guard; the list does not need it.
    }
    if (!isDone) restsUntilMs = clock.nowMs() + restMs
  }

  const write = async (id: ProcessId, bundle: EventBundle, { signal }: CallOptions) => {
    const how = { contentType: 'application/json', when: 'always', signal } as const
    const written = await store.put(bundleKey(id, bundle, digests), encodeBundle(bundle, digests), how)
    return written.outcome === 'applied'
  }

  return {
    /** So that what is deleted is no longer read, although its events stay for a day. */
    async afterDeletion(id: ProcessId, look: () => Promise<StoredProcess>, options: CallOptions): Promise<void> {
      await attempt(async () => {
        const stored = await look()
        return isDeleted(stored) ? await write(id, markOf(stored.events), options) : true
      })
    },

    async afterList(found: readonly StoredProcess[], options: CallOptions): Promise<void> {
      const nowMs = clock.nowMs()
      // Also when the clock was set back.
      if (nowMs < restsUntilMs && restsUntilMs - nowMs <= restMs) return
      await attempt(async () => {
        const planned = planTidying(found, storeNowMs(deps))
        if (planned === undefined) return true
        if (planned.kind === 'bundle') return await write(planned.id, planned.bundle, options)
        const { batchDelete } = await store.capabilities(options)
        const keys = planned.keys.slice(0, batchDelete ? undefined : removedSinglyMax)
        const removed = await store.deleteMany(keys, options)
        return removed.every(({ error }) => error === undefined)
      })
    },
  }
}
