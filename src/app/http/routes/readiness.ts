import * as z from 'zod'
import { recheckOld, type SelfCheck } from '../../../domain/doctor/self-check.ts'
import type { ProcessLedger } from '../../../domain/process/process-ledger.ts'
import type { Clock } from '../../../ports/clock.ts'
import { parseObjectKey } from '../../../ports/object-key.ts'
import type { ObjectStore } from '../../../ports/object-store.ts'
import { type Route, route } from '../route.ts'

export interface BreakerHealth {
  readonly name: string
  readonly state: string
}

export interface CheckStoresDeps {
  readonly store: ObjectStore
  /** Where process state is kept; may be the same. */
  readonly state: ObjectStore
  readonly ledger: Pick<ProcessLedger, 'sync'>
  readonly clock: Clock
  readonly selfChecks: readonly SelfCheck[]
  /** `require`: not ready with a store of process state that does not decide between racing writers. */
  readonly stateCas: 'auto' | 'require'
}

export interface ReadinessDeps {
  readonly checkStores: CheckStores
  readonly storeKind: string
  /** The state of each circuit breaker in front of the store. */
  readonly breakers: () => readonly BreakerHealth[]
}

const ReadySchema = z.object({
  ready: z.boolean(),
  store: z.object({ kind: z.string(), checkedAt: z.string(), ok: z.boolean(), durationMs: z.number() }),
  sync: z.enum(['cas', 'merge']).nullable(),
  breakers: z.array(z.object({ name: z.string(), state: z.string() })),
})

export interface StoreCheck {
  readonly atMs: number
  readonly ok: boolean
  readonly sync: 'cas' | 'merge' | null
  readonly durationMs: number
}

const freshMs = 1_000
/** A store that needs longer for one GET is not one to send requests to. */
const patienceMs = 5_000

/** Never there, so that asking for it reads nothing and lists nothing. */
const checkKey = parseObjectKey('.probe/readyz')

/** By GET and not by HEAD, whose 404 cannot tell a missing object from a missing bucket. */
async function isReached(store: ObjectStore, signal: AbortSignal): Promise<void> {
  const found = await store.get(checkKey, { signal })
  await found?.body.cancel()
}

/** Whether the stores answer. Asked at most once a second, however many look: who asks needs no token. */
export type CheckStores = (signal: AbortSignal) => Promise<StoreCheck>

export function createCheckStores(deps: CheckStoresDeps): CheckStores {
  const { store, state, ledger, clock, selfChecks, stateCas } = deps
  const stores = [...new Set([store, state])]
  let last: StoreCheck | undefined

  return async (signal) => {
    const startedAtMs = clock.nowMs()
    if (last !== undefined && startedAtMs - last.atMs < freshMs) return last
    const patient = () => AbortSignal.any([signal, AbortSignal.timeout(patienceMs)])
    const asked = await Promise.allSettled(stores.map((one) => isReached(one, patient())))
    const isThere = asked.every(({ status }) => status === 'fulfilled')
    const durationMs = clock.nowMs() - startedAtMs
    // Who is not there need not be asked whether he still does what he did.
    if (isThere) await recheckOld(selfChecks, { signal })
    const [seen] = await Promise.allSettled([ledger.sync({ signal: patient() })])
    const sync = seen?.status === 'fulfilled' ? seen.value : null
    const ok = isThere && sync !== null && (stateCas === 'auto' || sync === 'cas')
    last = { atMs: startedAtMs, ok, sync, durationMs }
    return last
  }
}

export function readinessRoute({ checkStores, storeKind, breakers }: ReadinessDeps): Route {
  return route(
    {
      method: 'get',
      path: '/readyz',
      operationId: 'readyz',
      tag: 'operations',
      summary: 'The store answers',
      scope: 'open',
      responses: {
        200: { description: 'ready', json: ReadySchema },
        503: { description: 'the store does not answer, or does not do what STATE_CAS requires', json: ReadySchema },
      },
    },
    async (c) => {
      const { atMs, ok, sync, durationMs } = await checkStores(c.var.signal)
      const checked = { kind: storeKind, checkedAt: new Date(atMs).toISOString(), ok, durationMs }
      const body = { ready: ok, store: checked, sync, breakers: [...breakers()] }
      return c.json(body, ok ? 200 : 503, ok ? {} : { 'Retry-After': '2' })
    },
  )
}
