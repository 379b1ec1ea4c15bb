import type { CallOptions } from '../../ports/object-store.ts'
import { createNoteStore, type NotedArchive } from './note-store.ts'
import { checkpointBytes, type PassingChecksums } from './passing-checksums.ts'

/** Between two notes at least: some stores take one write a second of each key. */
const noteEveryMs = 2_000
const noteLimitMs = 5_000
/** Notes are written again when so many times their size was learned. */
const learnedPerNoted = 64

/** Notes are a cache: without them some work is done again. No failure of one fails anything. */
export interface NotedProgress {
  /** Takes what others have noted. Throws the signal's reason alone. */
  load(options: CallOptions): Promise<void>
  /** So much more was learned; begins to note it when it is worth that. Returns at once. */
  learned(bytes: number): void
  /** Waits for what is being noted, and notes the rest if `rest` says so. Never throws. */
  end(rest: 'noted' | 'left'): Promise<void>
}

export function createNotedProgress(
  deps: Parameters<typeof createNoteStore>[0],
  archive: NotedArchive,
  passing: PassingChecksums,
): NotedProgress {
  const { clock, log } = deps
  const notes = createNoteStore(deps, archive, passing)
  let newBytes = 0
  let notedAtMs = clock.nowMs()
  let noting: Promise<void> | undefined

  const warn = (error: unknown) => log.warn('checksums-not-noted', { exportId: archive.id, error })

  const note = async (): Promise<void> => {
    newBytes = 0
    notedAtMs = clock.nowMs()
    // Not the request's signal: what was learned is wanted most when the client has left.
    await notes.save({ signal: AbortSignal.timeout(noteLimitMs) }).catch(warn)
    noting = undefined
  }

  const isDue = () =>
    newBytes >= Math.max(checkpointBytes, learnedPerNoted * notes.sizeBytes()) &&
    clock.nowMs() - notedAtMs >= noteEveryMs

  return {
    async load({ signal }) {
      // Nobody waits long for a cache.
      const limited = AbortSignal.any([signal, AbortSignal.timeout(noteLimitMs)])
      await notes.load({ signal: limited }).catch((error: unknown) => {
        signal.throwIfAborted()
        warn(error)
      })
    },

    learned(bytes) {
      newBytes += bytes
      if (noting === undefined && isDue()) noting = note()
    },

    async end(rest) {
      await noting
      if (newBytes > 0 && rest === 'noted') await note()
    },
  }
}
