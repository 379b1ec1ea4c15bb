import type { Clock } from '../ports/clock.ts'
import type { Digests } from '../ports/digests.ts'
import type { Log } from '../ports/log.ts'
import type { CallOptions, ObjectStore } from '../ports/object-store.ts'
import { maxWaitingMs, waitingPrefix } from './dataset/upload-named-last.ts'
import { leftoverAgeMs, trialsPrefix } from './doctor/sweep-old-trials.ts'
import { exportPrefix, maxExportSeconds } from './export/export-store.ts'
import { learnedPrefix } from './export/note-store.ts'
import { sweepExports } from './export/sweep-exports.ts'
import { createOpenUploads, openUploadsPrefix } from './object/open-uploads.ts'
import { type Swept, sweepEvery } from './object/sweep-prefix.ts'

export interface SweptPrefix {
  readonly store: 'objects' | 'state'
  readonly prefix: string
  readonly removed: number
  /** Has expired and is still there. */
  readonly left: number
  /** Why it was not swept, if it was not. */
  readonly error?: unknown
}

export interface SweepExpiredDeps {
  readonly objects: ObjectStore
  /** Another store for process state. */
  readonly state: ObjectStore | undefined
  readonly digests: Pick<Digests, 'sha256'>
  readonly clock: Clock
  readonly log: Log
}

/**
 * Removes everything of ours that has expired: exports, files that waited for their name, uploads that nobody ended, trials.
 * Requests do the same on their way for what they use, a page at a time; this goes to the end. One prefix that cannot be
 * swept does not keep the others. Throws nothing but the signal's reason.
 */
export async function sweepExpired(deps: SweepExpiredDeps, { signal }: CallOptions): Promise<SweptPrefix[]> {
  const { objects, state, clock, log } = deps
  const nowMs = clock.nowMs()
  const swept: SweptPrefix[] = []

  const sweepBelow = async (
    store: SweptPrefix['store'],
    prefix: string,
    sweep: () => Promise<Swept>,
  ): Promise<void> => {
    try {
      const { removed, left } = await sweep()
      swept.push({ store, prefix, removed, left })
      if (removed > 0) log.info('swept', { store, prefix, count: removed })
      if (left > 0) log.warn('not-swept', { store, prefix, count: left })
    } catch (error) {
      signal.throwIfAborted()
      swept.push({ store, prefix, removed: 0, left: 0, error })
      log.warn('not-swept', { store, prefix, error })
    }
  }
  const older = (store: ObjectStore, prefix: string, ageMs: number) => () =>
    sweepEvery(store, prefix, ({ lastModified }) => nowMs - lastModified.getTime() > ageMs, { signal })

  await sweepBelow('objects', exportPrefix, () => sweepExports(objects, { nowMs, signal }))
  await sweepBelow('objects', learnedPrefix, older(objects, learnedPrefix, maxExportSeconds * 1000))
  await sweepBelow('objects', waitingPrefix, older(objects, waitingPrefix, maxWaitingMs))
  await sweepBelow('objects', openUploadsPrefix, () => createOpenUploads({ ...deps, store: objects }).sweep({ signal }))
  await sweepBelow('objects', trialsPrefix, older(objects, trialsPrefix, leftoverAgeMs))
  if (state !== undefined) await sweepBelow('state', trialsPrefix, older(state, trialsPrefix, leftoverAgeMs))
  return swept
}

/** Whether all that has expired is gone. */
export function isSwept({ left, error }: SweptPrefix): boolean {
  return left === 0 && error === undefined
}
