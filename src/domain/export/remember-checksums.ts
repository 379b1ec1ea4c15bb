import type { Clock } from '../../ports/clock.ts'
import type { Log } from '../../ports/log.ts'
import type { KnownChecksums, ObjectRecords } from '../object/object-record.ts'
import type { ManifestEntry } from './manifest.ts'

const atOnce = 32
/** So many may wait to be written. */
const backlogMax = 512
/** One record, and all that are left when the reading has ended. */
const limitMs = 5_000

export interface Rememberer {
  /** Returns at once. */
  remember(entry: Pick<ManifestEntry, 'key' | 'etag'>, checksums: KnownChecksums): void
  /** Waits while too many are not written yet: a download that ran ahead of them would leave them behind. Never throws. */
  keepUp(): Promise<void>
  /** Waits for what is being written, five seconds and one record at most. Never throws. */
  end(): Promise<void>
}

/** Records beside a download, 32 at a time. The first failure ends it: what was not recorded is computed once more. */
export function createRememberer({
  records,
  clock,
  log,
}: {
  records: ObjectRecords
  clock: Clock
  log: Log
}): Rememberer {
  const lanes = Array.from({ length: atOnce }, () => Promise.resolve())
  let next = 0
  let backlog = 0
  let failed = false
  let endsAtMs = Number.POSITIVE_INFINITY

  const write = async ({ key, etag }: Pick<ManifestEntry, 'key' | 'etag'>, checksums: KnownChecksums) => {
    if (failed || clock.nowMs() >= endsAtMs) return
    try {
      await records.write(key, etag, checksums, { signal: AbortSignal.timeout(limitMs) })
    } catch (error) {
      failed = true
      log.warn('checksums-not-recorded', { error })
    }
  }

  return {
    remember(entry, checksums) {
      const lane = next++ % atOnce
      backlog += 1
      lanes[lane] = (lanes[lane] ?? Promise.resolve())
        .then(() => write(entry, checksums))
        .then(() => {
          backlog -= 1
        })
    },

    async keepUp() {
      // The lane whose last record was given first.
      while (backlog > backlogMax) await lanes[next % atOnce]
    },

    async end() {
      endsAtMs = clock.nowMs() + limitMs
      await Promise.all(lanes)
    },
  }
}
