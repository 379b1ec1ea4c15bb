import type { CallOptions } from '../../ports/object-store.ts'
import { knownCrc32 } from './missing-checksums.ts'
import { createNoteStore, type NotedArchive } from './note-store.ts'
import { checkpointBytes, type PassingChecksums } from './passing-checksums.ts'

/** Between two notes at least: some stores take one write a second of each key. */
const noteEveryMs = 2_000
const noteLimitMs = 5_000
/** Notes are written again when so many times their size was learned. */
const learnedPerNoted = 64
/** What a request is worth: of a small file no less was learned than that it need not be asked for again. */
export const requestBytes = 16 * 1024
/** A note is a PUT, and a GET and a second PUT where there is one already, which is read and written as a whole. */
const requestsPerNote = 8
const timesMoved = 2
const bytesPerRun = 30

/** Notes are a cache: without them some work is done again. No failure of one fails anything. */
export interface NotedProgress {
  /** Takes what others have noted. Throws the signal's reason alone. */
  load(options: CallOptions): Promise<void>
  /** So much more was learned; begins to note it when it is worth that. Returns at once. */
  learned(bytes: number): void
  /** Waits for what is being noted, and notes the rest if `rest` says so and it is worth that. Never throws. */
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

  /** Of an archive of 70,000 files 4 MB: whoever reads one of them does not write down what is known of all. */
  const worthNoting = () => {
    const unknown = archive.layout.entries.reduce((count, entry) => count + (knownCrc32(entry) === null ? 1 : 0), 0)
    return requestsPerNote * requestBytes + timesMoved * bytesPerRun * unknown
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
      if (rest === 'noted' && newBytes >= worthNoting()) await note()
    },
  }
}
