import type { Clock } from '../../ports/clock.ts'
import { UnsupportedByStore } from '../../ports/errors.ts'
import type { Ids } from '../../ports/ids.ts'
import type { Log } from '../../ports/log.ts'
import type { CallOptions, ObjectStore, StoreCapabilities } from '../../ports/object-store.ts'
import { type ConditionFault, type ConditionName, conditionFault, conditionNames } from './condition-trials.ts'
import { sweepOldTrials } from './sweep-old-trials.ts'
import { createTrialFolder } from './trial-folder.ts'

/** A capability that the store was seen to have and has no more. */
export interface Downgrade {
  readonly capability: keyof StoreCapabilities
  readonly from: StoreCapabilities[keyof StoreCapabilities]
  readonly to: StoreCapabilities[keyof StoreCapabilities]
  readonly atMs: number
  /** How it was noticed. Names no bucket and no key. */
  readonly reason: string
}

/** What is known of a store at this moment. Asks nobody. */
export interface StoreVerdict {
  /** When the store last showed what it can do; `undefined` before the first time. */
  readonly checkedAtMs: number | undefined
  readonly downgrades: readonly Downgrade[]
}

/** Whether a store still does what it was seen to do. */
export interface SelfCheck {
  /** What is kept there. */
  readonly name: string
  verdict(): StoreVerdict
  /**
   * Tries the conditional writes again that the store was seen to have, unless that was done less than `notWithinMs` ago or
   * is being done. About 50 small calls; none for a store that has shown nothing yet. Never throws: a store that cannot be
   * asked keeps its verdict, and its age, and is left alone for a minute.
   */
  recheck(options: CallOptions & { notWithinMs: number }): Promise<void>
}

export interface SelfCheckedStore extends SelfCheck {
  readonly store: ObjectStore
}

/** How old a verdict may become before the store is tried again. */
export const recheckMs = 10 * 60_000

/** After a check that failed: a store that is in trouble is not asked fifty things with every request. */
const againMs = 60_000
/** Nobody waits for longer; the check is then made by the next who asks. */
const patienceMs = 20_000

/** On Node a timer keeps the verdicts young; on Workers, which have none, it is whoever asks. Never throws. */
export async function recheckOld(selfChecks: readonly SelfCheck[], { signal }: CallOptions): Promise<void> {
  const patient = AbortSignal.any([signal, AbortSignal.timeout(patienceMs)])
  await Promise.all(selfChecks.map((one) => one.recheck({ signal: patient, notWithinMs: recheckMs })))
}

/** Four writers, one round: enough to see that a store has stopped to look. */
const racing = { writers: 4, rounds: 1 }
const cleanMs = 10_000
/** A check that has not ended by then never will: on Workers its request may be gone. */
const checkMaxMs = 120_000

/** What a refusal of these operations takes away. */
type Refusable = ConditionName | 'listParts' | 'abortMultipart'

/**
 * A store whose capabilities go down, loudly, when it is seen not to keep them, and stay down until the process ends: what
 * was wrong once may be wrong again, so only a restart, which tries everything anew, promises more. They go down when a
 * recheck finds a condition ignored, when an operation that a capability promised is refused as unknown (405, 501), and
 * when the store itself says that it can do less than at first.
 */
export function withSelfCheck(
  store: ObjectStore,
  world: { clock: Pick<Clock, 'nowMs' | 'sleep'>; ids: Pick<Ids, 'next'>; log: Log; name: string },
): SelfCheckedStore {
  const { clock, ids, log, name } = world
  let lowered: Partial<StoreCapabilities> = {}
  const downgrades: Downgrade[] = []
  let first: StoreCapabilities | undefined
  let checkedAtMs: number | undefined
  let checkingSinceMs: number | undefined
  let failedAtMs = Number.NEGATIVE_INFINITY

  const note = (capability: keyof StoreCapabilities, from: Downgrade['from'], to: Downgrade['to'], reason: string) => {
    downgrades.push({ capability, from, to, atMs: clock.nowMs(), reason })
    log.error('store-downgraded', { store: name, capability, from, to, reason })
  }

  const lower = (capability: Refusable, reason: string) => {
    if (lowered[capability] !== undefined || first === undefined) return
    const to = capability === 'listParts' || capability === 'abortMultipart' ? false : 'none'
    lowered = { ...lowered, [capability]: to }
    note(capability, first[capability], to, reason)
  }

  const capabilities = async (options: CallOptions): Promise<StoreCapabilities> => {
    const now = await store.capabilities(options)
    checkedAtMs ??= clock.nowMs()
    first ??= now
    if (first.batchDelete && !now.batchDelete && lowered.batchDelete === undefined) {
      lowered = { ...lowered, batchDelete: false }
      note('batchDelete', true, false, 'the store refused several deletes in one request')
    }
    return { ...now, ...lowered }
  }

  /** A refusal as unknown of what was promised. It is thrown all the same: the caller has not got what he asked for. */
  const refusals = async <Result>(capability: Refusable | undefined, call: Promise<Result>): Promise<Result> => {
    try {
      return await call
    } catch (error) {
      if (capability !== undefined && error instanceof UnsupportedByStore && isPromised(capability)) {
        lower(capability, `the store refused it: ${error.capability}`)
      }
      throw error
    }
  }
  const isPromised = (capability: Refusable) => first?.[capability] === true || first?.[capability] === 'atomic'

  const check = async ({ signal }: CallOptions): Promise<void> => {
    const folder = createTrialFolder(store, ids.next(), clock)
    try {
      const own = await capabilities({ signal })
      for (const condition of conditionNames) {
        if (own[condition] !== 'atomic') continue
        // What it refuses to complete could not be removed.
        if (condition === 'conditionalComplete' && !own.abortMultipart) continue
        const attempt = () => conditionFault(condition, folder.within(), { signal, ...racing })
        const fault = await confirmed(attempt)
        if (fault !== undefined) lower(condition, fault.detail)
      }
      checkedAtMs = clock.nowMs()
    } finally {
      const cleaning = AbortSignal.timeout(cleanMs)
      await folder.clean({ signal: cleaning })
      // Also what the trials before the first check have left.
      await sweepOldTrials(store, { signal: cleaning, nowMs: clock.nowMs() }).catch(() => {})
    }
  }

  return {
    name,
    verdict: () => ({ checkedAtMs, downgrades: [...downgrades] }),

    async recheck({ signal, notWithinMs }) {
      const nowMs = clock.nowMs()
      if (checkedAtMs === undefined || nowMs - checkedAtMs < notWithinMs) return
      if (checkingSinceMs !== undefined && nowMs - checkingSinceMs < checkMaxMs) return
      if (nowMs - failedAtMs < againMs) return
      checkingSinceMs = nowMs
      try {
        await check({ signal })
      } catch (error) {
        failedAtMs = clock.nowMs()
        log.warn('store-self-check-failed', { store: name, error })
      } finally {
        checkingSinceMs = undefined
      }
    },

    store: {
      ...store,
      capabilities,
      put: (key, body, options) =>
        refusals(options.when === 'always' ? undefined : 'conditionalPut', store.put(key, body, options)),
      delete: (key, options) =>
        refusals(options.ifMatch === undefined ? undefined : 'conditionalDelete', store.delete(key, options)),
      completeMultipart: (upload, parts, options) =>
        refusals(
          options.when === 'always' ? undefined : 'conditionalComplete',
          store.completeMultipart(upload, parts, options),
        ),
      listParts: (upload, options) => refusals('listParts', store.listParts(upload, options)),
      abortMultipart: (upload, options) => refusals('abortMultipart', store.abortMultipart(upload, options)),
    },
  }
}

/** A condition that was ignored is proof. One that was refused may be an accident on the way, so it is tried again. */
async function confirmed(attempt: () => Promise<ConditionFault | undefined>): Promise<ConditionFault | undefined> {
  const fault = await attempt()
  return fault?.kind === 'refused' ? attempt() : fault
}
