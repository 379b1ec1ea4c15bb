import type { Digests } from '../../ports/digests.ts'
import type { CallOptions } from '../../ports/object-store.ts'
import { knownCrc32 } from './missing-checksums.ts'
import { createPassingChecksums } from './passing-checksums.ts'
import { ExportChecksumMissing, ExportCorrupt } from './refusals.ts'
import { entryAt, type ZipLayout } from './zip-layout.ts'
import type { ObjectSegment } from './zip-segments.ts'

/** Where the CRC-32s come from that the manifest of an archive lacks, while that is being read, and where they go to. */
export interface LearnedChecksums {
  /** As far as it is known now. */
  crc32(entryIndex: number): number | undefined
  /** The object came with it. */
  told(entryIndex: number, crc32: number): void
  /** Give it every chunk of the segment, in order, so that something is learned of it. */
  follow(segment: ObjectSegment): (chunk: Uint8Array) => void
  /** Asks, and reads the object, if need be. Throws as reading the object does. One reading gives one signal. */
  find(entryIndex: number, options: CallOptions): Promise<number>
  /** Waits while what was learned cannot be kept as fast. Never throws. */
  keepUp(): Promise<void>
  /** Keeps what was learned, some seconds at most. Called once. Never throws. */
  end(): Promise<void>
}

/** What is known of the CRC-32 of each entry while its archive is being read. */
export interface EntryChecksums {
  /** From the manifest, or learned; `undefined` as long as nobody knows. */
  crc32(entryIndex: number): number | undefined
  /** The object came with this one; nothing if it was known. */
  told(entryIndex: number, crc32: number): void
  /** The same, found out where nobody knows. */
  find(entryIndex: number, options: CallOptions): Promise<number>
  /**
   * Give it every chunk of the segment, in order. `finish` throws `ExportCorrupt` when whole entries are verified and
   * this one is not what it should be. Costs nothing where there is nothing to find out.
   */
  follow(segment: ObjectSegment): { update(chunk: Uint8Array): void; finish(): void }
  /** Waits while what was learned cannot be kept as fast. To be called after each object. Never throws. */
  keepUp(): Promise<void>
  /** Keeps what was learned. To be called when the reading has ended, whatever its end. Never throws. */
  end(): Promise<void>
}

const ignored = { update() {}, finish() {} }

export function createEntryChecksums(
  layout: ZipLayout,
  digests: Digests,
  options: { readonly verifyChecksums: boolean; readonly learned?: LearnedChecksums },
): EntryChecksums {
  const learned = options.learned ?? fromThisReading(layout, digests)
  const crc32 = (entryIndex: number) => knownCrc32(entryAt(layout, entryIndex)) ?? learned.crc32(entryIndex)
  let ending: Promise<void> | undefined
  return {
    crc32,
    told(entryIndex, crc32Told) {
      if (crc32(entryIndex) === undefined) learned.told(entryIndex, crc32Told)
    },
    keepUp: () => learned.keepUp(),
    end() {
      ending ??= learned.end()
      return ending
    },
    find: async (entryIndex, options) => crc32(entryIndex) ?? (await learned.find(entryIndex, options)),

    follow(segment) {
      const { name, sizeBytes } = entryAt(layout, segment.entryIndex)
      const expected = crc32(segment.entryIndex)
      if (expected === undefined) return { update: learned.follow(segment), finish() {} }
      if (segment.lengthBytes !== sizeBytes || !options.verifyChecksums) return ignored
      let computed = 0
      return {
        update(chunk) {
          computed = digests.crc32(chunk, computed)
        },
        finish() {
          if (computed !== expected) throw new ExportCorrupt(`${name} does not have the checksum that was recorded`)
        },
      }
    },
  }
}

/** Of the objects whose bytes all pass, and of no others. */
function fromThisReading(layout: ZipLayout, digests: Digests): LearnedChecksums {
  const passing = createPassingChecksums(layout, digests)
  return {
    ...passing,
    told: passing.addWhole,
    find: (entryIndex) => Promise.reject(new ExportChecksumMissing([entryIndex])),
    keepUp: async () => {},
    end: async () => {},
  }
}
