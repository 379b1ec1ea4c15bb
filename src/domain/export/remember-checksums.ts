import type { Clock } from '../../ports/clock.ts'
import type { Log } from '../../ports/log.ts'
import type { KnownChecksums, ObjectRecords } from '../object/object-record.ts'
import type { ManifestEntry } from './manifest.ts'

const atOnce = 16
/** One record, and all that are left when the reading has ended. */
const limitMs = 5_000

export interface Rememberer {
  /** Returns at once. */
  remember(entry: Pick<ManifestEntry, 'key' | 'etag'>, checksums: KnownChecksums): void
  /** Waits for what is being written, five seconds and one record at most. Never throws. */
  end(): Promise<void>
}

/** Records beside a download, 16 at a time. The first failure ends it: what was not recorded is computed once more. */
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
      lanes[lane] = (lanes[lane] ?? Promise.resolve()).then(() => write(entry, checksums))
    },

    async end() {
      endsAtMs = clock.nowMs() + limitMs
      await Promise.all(lanes)
    },
  }
}
