import type { Digests } from '../../ports/digests.ts'
import { knownCrc32 } from './missing-checksums.ts'
import { ExportCorrupt } from './refusals.ts'
import { entryAt, type ZipLayout } from './zip-layout.ts'
import type { ObjectSegment } from './zip-segments.ts'

/** What is known of the CRC-32 of each entry while its archive is being read. */
export interface EntryChecksums {
  /** From the manifest, as given, or learned from bytes that passed. */
  crc32(entryIndex: number): number | undefined
  /**
   * Give it every chunk of the segment, in order. `finish` throws `ExportCorrupt` when whole entries are verified and
   * this one is not what it should be. Costs nothing for a part of an object, or where there is nothing to find out.
   */
  follow(segment: ObjectSegment): { update(chunk: Uint8Array): void; finish(): void }
}

const ignored = { update() {}, finish() {} }

export function createEntryChecksums(
  layout: ZipLayout,
  digests: Digests,
  options: {
    readonly verifyChecksums: boolean
    readonly checksums?: ReadonlyMap<number, number>
    readonly onChecksum?: (entryIndex: number, crc32: number) => void
  },
): EntryChecksums {
  const learned = new Map(options.checksums)
  const crc32 = (entryIndex: number) => knownCrc32(entryAt(layout, entryIndex)) ?? learned.get(entryIndex)
  return {
    crc32,

    follow({ entryIndex, lengthBytes }) {
      const { name, sizeBytes } = entryAt(layout, entryIndex)
      const expected = crc32(entryIndex)
      const wanted = lengthBytes === sizeBytes && (expected === undefined || options.verifyChecksums)
      if (!wanted) return ignored
      let computed = 0
      return {
        update(chunk) {
          computed = digests.crc32(chunk, computed)
        },
        finish() {
          if (computed === expected) return
          if (expected !== undefined) throw new ExportCorrupt(`${name} does not have the checksum that was recorded`)
          learned.set(entryIndex, computed)
          options.onChecksum?.(entryIndex, computed)
        },
      }
    },
  }
}
