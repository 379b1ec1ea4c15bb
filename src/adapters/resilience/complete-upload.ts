import type { Clock } from '../../ports/clock.ts'
import type { Digests } from '../../ports/digests.ts'
import { InvalidParts, StoreDenied, StoreUnavailable, UnsupportedByStore, UploadNotFound } from '../../ports/errors.ts'
import type { Ids } from '../../ports/ids.ts'
import type {
  CallOptions,
  ETag,
  MultipartUpload,
  ObjectStore,
  Part,
  PutCondition,
  PutOutcome,
} from '../../ports/object-store.ts'
import type { StoreTelemetry } from '../../ports/store-telemetry.ts'
import { isJoined, joinedEtag } from './evidence.ts'
import { patiently } from './patience.ts'
import type { RetryBudget } from './retry-budget.ts'
import { callTimes, type ResilienceSettings } from './settings.ts'

export interface CompleteDeps {
  /** `head` and `listParts` as everybody else has them: in time, tried again, counted. */
  readonly look: Pick<ObjectStore, 'head' | 'listParts'>
  /** One attempt at joining, in time. */
  readonly join: ObjectStore['completeMultipart']
  readonly digests: Pick<Digests, 'md5'>
  readonly budget: RetryBudget
  readonly settings: ResilienceSettings
  readonly clock: Clock
  readonly ids: Pick<Ids, 'fraction'>
  readonly tell: StoreTelemetry
}

/** What one attempt at joining said; `gone`: no such upload, `misfit`: not these parts. */
type Said =
  | { readonly said: 'joined'; readonly etag: ETag }
  | { readonly said: 'rejected' }
  | { readonly said: 'lost'; readonly cause: StoreUnavailable }
  | { readonly said: 'gone' | 'misfit'; readonly cause: UploadNotFound | InvalidParts }

/** What lies under the key now: our object, the same as before, what somebody else has written since, or we cannot look. */
type Seen = { readonly seen: 'landed'; readonly etag: ETag } | { readonly seen: 'nothing' | 'replaced' | 'unseen' }

/** Enough where the store answers at once; one that is busy for long is given all looks. */
const quickLooks = 2

/**
 * Joins parts, and says so only after a look of our own at the object. Stores that join files answer late, with a time-out
 * of a proxy, with an error inside of a success, or that there is no such upload because it is done; and one was reported
 * to acknowledge what was not there (RunPod). So no answer but a refusal is believed: the object decides, and where nothing
 * of it is to be seen the parts are joined again, as often as a call is retried. A store that is away is waited for, as long
 * as a Complete may take: an upload of an hour must not end with an outage of a minute.
 *
 * Costs two heads beside the request. Not counted by a circuit: a store that is busy joining is not one that is down.
 * Throws `UploadNotFound` and `InvalidParts` when nothing has landed and no earlier attempt can have been heard.
 */
export async function completeUpload(
  deps: CompleteDeps,
  upload: MultipartUpload,
  parts: readonly Part[],
  options: CallOptions & { when: PutCondition },
): Promise<PutOutcome> {
  const { look, settings, clock, ids, budget } = deps
  const { when, signal } = options
  const sizeBytes = parts.reduce((sum, part) => sum + part.sizeBytes, 0)
  const endsAtMs = clock.nowMs() + callTimes(settings).completing(sizeBytes).deadlineMs
  const wanted = { sizeBytes, etag: joinedEtag(parts, deps.digests.md5) }
  const patience = { endsAtMs, settings, clock, ids, signal }
  const before = await patiently(patience, () => look.head(upload.key, { signal }))

  const see = async (said: Said): Promise<Seen> => {
    const now = await look.head(upload.key, { signal }).catch((error: unknown) => {
      signal.throwIfAborted()
      // What was asked for may be done all the same, so a look that is refused is no verdict either.
      if (error instanceof StoreUnavailable || error instanceof StoreDenied) return 'unseen' as const
      throw error
    })
    if (now === 'unseen') return { seen: now }
    if (now === undefined) return { seen: 'nothing' }
    const named = said.said === 'joined' && now.etag === said.etag
    // Of those who race under one condition, only names of versions can tell who has won; and where the store has named
    // ours, an object of our size with another name is somebody else's.
    const known = said.said !== 'joined' && when === 'always' ? before : 'unknowable'
    if (named || isJoined(now, known, wanted)) return { seen: 'landed', etag: now.etag }
    return { seen: now.etag === before?.etag ? 'nothing' : 'replaced' }
  }

  /** Looks until something has changed, or so many times. The first look is at once. */
  const watch = async (said: Said, looks: number): Promise<Seen> => {
    for (let looked = 1; ; looked++) {
      const seen = await see(said)
      const waitMs = Math.min(settings.completeLookFirstMs * 2 ** (looked - 1), settings.completeLookMaxMs)
      if (seen.seen !== 'nothing' || looked >= looks || clock.nowMs() + waitMs >= endsAtMs) return seen
      await clock.sleep(waitMs, signal)
    }
  }

  const about = { group: 'meta', operation: 'completeMultipart' } as const
  const settle = (verdict: 'landed' | 'lost' | 'open') => deps.tell({ event: 'settled', ...about, verdict })

  let heard: StoreUnavailable | undefined
  for (let attempt = 0; ; attempt++) {
    const startedAtMs = clock.nowMs()
    const said = await patiently(patience, () => tryJoining(deps, upload, parts, options)).catch((error: unknown) => {
      if (heard === undefined || !(error instanceof StoreUnavailable)) throw error
      return { said: 'lost', cause: error } as const
    })
    if (said.said === 'rejected') return { outcome: 'rejected' }

    const isSlow = clock.nowMs() - startedAtMs >= settings.completeSlowMs
    const trusted = said.said === 'joined' || heard !== undefined || isSlow
    const seen = await watch(
      said,
      trusted ? settings.completeLooksMax : Math.min(quickLooks, settings.completeLooksMax),
    )
    if (seen.seen === 'landed') {
      if (said.said !== 'joined') settle('landed')
      return { outcome: 'applied', etag: seen.etag }
    }
    // Joined, and written over before we looked.
    if (said.said === 'joined' && seen.seen === 'replaced') return { outcome: 'applied', etag: said.etag }

    if ((said.said === 'gone' || said.said === 'misfit') && heard === undefined && seen.seen === 'nothing') {
      settle('lost')
      throw said.cause
    }
    heard ??= lostAnswer(said)
    const mayBeRepeated =
      said.said === 'lost' &&
      when === 'always' &&
      seen.seen === 'nothing' &&
      attempt < settings.retriesMax &&
      clock.nowMs() < endsAtMs
    if (mayBeRepeated && (await isOpen(look, upload, { signal }))) {
      if (budget.spend(settings.budgetPerRetry)) {
        const { effect, message } = heard
        deps.tell({ event: 'retry', ...about, retry: attempt + 1, waitMs: 0, effect, message, budget: budget.left() })
        continue
      }
    } else if (mayBeRepeated) {
      // What is gone was joined after our look, or is never joined.
      const last = await see(said)
      if (last.seen === 'landed') {
        settle('landed')
        return { outcome: 'applied', etag: last.etag }
      }
    }
    settle('open')
    return { outcome: 'unknown', cause: heard }
  }
}

const lostAnswer = (said: Exclude<Said, { said: 'rejected' }>): StoreUnavailable => {
  if (said.said === 'lost') return said.cause
  if (said.said === 'joined') return new StoreUnavailable('the store acknowledged an object that is not there')
  return new StoreUnavailable('another object was stored meanwhile', { cause: said.cause })
}

/** Throws what was never sent, which may as well be tried again. */
async function tryJoining(
  { join }: CompleteDeps,
  upload: MultipartUpload,
  parts: readonly Part[],
  options: CallOptions & { when: PutCondition },
): Promise<Said> {
  try {
    const written = await join(upload, parts, options)
    if (written.outcome === 'applied') return { said: 'joined', etag: written.etag }
    return written.outcome === 'rejected' ? { said: 'rejected' } : { said: 'lost', cause: written.cause }
  } catch (cause) {
    if (cause instanceof UploadNotFound) return { said: 'gone', cause }
    if (cause instanceof InvalidParts) return { said: 'misfit', cause }
    if (cause instanceof StoreUnavailable && cause.effect === 'maybe-sent') return { said: 'lost', cause }
    throw cause
  }
}

/** Whether it still makes sense to join. A listing of parts may be old: where it says nothing, we go by our own ledger. */
async function isOpen(look: CompleteDeps['look'], upload: MultipartUpload, options: CallOptions): Promise<boolean> {
  try {
    await look.listParts(upload, options)
    return true
  } catch (error) {
    options.signal.throwIfAborted()
    if (error instanceof UploadNotFound) return false
    if (error instanceof UnsupportedByStore || error instanceof StoreUnavailable) return true
    throw error
  }
}
