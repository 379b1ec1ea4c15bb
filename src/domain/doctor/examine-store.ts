import type { Clock } from '../../ports/clock.ts'
import type { CallOptions, ObjectStore, StoreCapabilities } from '../../ports/object-store.ts'
import type { StoreExamination, StoreExaminer } from '../../ports/store-finding.ts'
import { conditionNames } from './condition-trials.ts'
import { conditionChecks, examineCondition } from './conditions.ts'
import { examineDeleteMany } from './delete-many.ts'
import { fallbacks } from './fallbacks.ts'
import { broken, missing, works } from './finding.ts'
import { examineAfterWrite, examineFirstWrite } from './first-write.ts'
import { inTime } from './in-time.ts'
import { examineListAfterWrite, examineListing } from './listing.ts'
import { examineMultipart } from './multipart.ts'
import { examineMetadata } from './object-metadata.ts'
import { examineRanges } from './ranges.ts'
import { examineRoundTrips } from './round-trips.ts'
import { type ExaminationLimits, type Examined, runExaminations } from './run-examinations.ts'
import { sweepOldTrials } from './sweep-old-trials.ts'
import { examineOverwriting } from './torn-reads.ts'
import { createTrialFolder } from './trial-folder.ts'
import { withTimeLimit } from './with-time-limit.ts'

const callMs = 10_000
/** For tidying up, after the `limits`. */
export const cleanMs = 15_000

export interface StoreReport extends Examined {
  /** What the store was seen to do; `undefined` when it could not even be asked. */
  readonly capabilities: StoreCapabilities | undefined
}

export interface ExamineStoreDeps {
  /** The store itself: nothing that retries, nor a breaker, between us and what is examined. */
  readonly store: ObjectStore
  /** What only its adapter can find out, if it offers that. Must try below `.probe/{nonce}/` too. */
  readonly examiner: StoreExaminer | undefined
  readonly nonce: string
  readonly clock: Pick<Clock, 'nowMs' | 'sleep'>
  readonly limits: ExaminationLimits
}

/**
 * Finds out by about 250 small calls what a store is fit for, within `limits` and one mebibyte below `.probe/{nonce}/`,
 * which is then removed, also when the signal is aborted; its reason is thrown after that.
 */
export async function examineStore(
  { store, examiner, nonce, clock, limits }: ExamineStoreDeps,
  { signal }: CallOptions,
): Promise<StoreReport> {
  const folder = createTrialFolder(withTimeLimit(store, callMs), nonce, clock)
  let capabilities: StoreCapabilities | undefined
  const ask = async (options: CallOptions): Promise<StoreCapabilities> => {
    capabilities ??= await store.capabilities(options)
    return capabilities
  }
  const why = async (name: keyof StoreCapabilities, options: CallOptions) =>
    (await examiner?.whyMissing(name, options)) ?? undefined

  const examinations: StoreExamination[] = [
    ...(examiner?.access ?? []),
    { check: 'write and read', decisive: true, examine: (options) => examineFirstWrite(folder.within(), options) },
    { check: 'capabilities', decisive: true, examine: (options) => ask(options).then(() => []) },
    { check: 'round trips', examine: (options) => examineRoundTrips(folder.within(), { ...options, clock }) },
    { check: 'read after write', examine: (options) => examineAfterWrite(folder.within(), options) },
    { check: 'list after write', examine: (options) => examineListAfterWrite(folder.within(), options) },
    { check: 'overwriting', examine: (options) => examineOverwriting(folder.within(), options) },
    ...conditionNames.map(
      (name): StoreExamination => ({
        check: conditionChecks[name],
        async examine(options) {
          const own = await ask(options)
          const reason = own[name] === 'atomic' ? undefined : await why(name, options)
          return examineCondition(name, folder.within(), { ...options, capabilities: own, reason })
        },
      }),
    ),
    {
      check: 'metadata',
      async examine(options) {
        const own = await ask(options)
        const reason = own.objectMetadata ? undefined : await why('objectMetadata', options)
        return examineMetadata(folder.within(), { ...options, capabilities: own, reason })
      },
    },
    { check: 'ranges', examine: (options) => examineRanges(folder.within(), options) },
    { check: 'listing', examine: (options) => examineListing(folder.within(), options) },
    {
      check: 'batch delete',
      async examine(options) {
        const own = await ask(options)
        const reason = own.batchDelete ? undefined : await why('batchDelete', options)
        return examineDeleteMany(folder.within(), { ...options, capabilities: own, reason })
      },
    },
    {
      check: 'multipart',
      examine: async (options) =>
        examineMultipart(folder.within(), {
          ...options,
          capabilities: await ask(options),
          why: (name) => why(name, options),
        }),
    },
    {
      check: 'signed URLs',
      async examine(options) {
        const { presign } = await ask(options)
        if (presign) return []
        return [missing('signed URLs', (await why('presign', options)) ?? 'the store signs none', fallbacks.presign)]
      },
    },
    ...(examiner?.beyondPort ?? []),
  ]
  const absent = folder.key('absent')
  let examined: Examined
  let left = 0
  let swept = 0
  try {
    examined = await runExaminations(examinations, {
      signal,
      limits,
      clock,
      fixes: examiner?.fixes,
      // By GET and not by HEAD, whose 404 cannot tell a missing object from a missing bucket.
      stillThere: async (options) => (await folder.store.get(absent, options))?.body.cancel(),
    })
  } finally {
    // A signal of its own: who is interrupted still tidies up.
    const cleaning = AbortSignal.timeout(cleanMs)
    left = await inTime({ signal: cleaning }, folder.clean).catch(() => 1)
    const sweeping = (options: CallOptions) => sweepOldTrials(folder.store, { ...options, nowMs: clock.nowMs() })
    swept = await inTime({ signal: cleaning }, sweeping).catch(() => 0)
  }
  const findings = [...examined.findings]
  if (swept > 0 && left === 0) {
    findings.push(
      works('cleaning up', `removed ${swept} trial object${swept === 1 ? '' : 's'} that earlier runs had left`),
    )
  }
  if (left > 0 && examined.complete) {
    findings.push(
      broken('cleaning up', `${left} trial objects or uploads are left below ${folder.prefix}`, 'delete them by hand'),
    )
  }
  return { ...examined, findings, capabilities }
}
