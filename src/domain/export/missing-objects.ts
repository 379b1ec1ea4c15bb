import type { CallOptions, ObjectStore } from '../../ports/object-store.ts'
import { mapConcurrently } from '../map-concurrently.ts'
import type { ObjectRecords } from '../object/object-record.ts'
import { gapsBetween } from './checksummed-runs.ts'
import { missingChecksums } from './missing-checksums.ts'
import { exactBytes, openObject } from './object-bytes.ts'
import type { PassingChecksums } from './passing-checksums.ts'
import type { Span } from './span.ts'
import { entryAt, type ZipLayout } from './zip-layout.ts'

const lookUpsAtOnce = 32
const objectsAtOnce = 4
/** Of small ones most of the time is waiting. */
const smallAtOnce = 32

/** The entries whose CRC-32 a range needs while it does not hold their objects. */
export interface MissingObjects {
  /** Those of which nobody knows it yet, by index. */
  entryIndexes(): number[]
  /** How much of them never passed. */
  owedBytes(): number
  /** Looks for what was noted of them: a HEAD each where nobody has asked for that yet, and the GET of a record. */
  lookUp(options: CallOptions): Promise<void>
  /** Reads what never passed. Throws as reading an object does. */
  read(options: CallOptions): Promise<void>
}

/** What it finds out is added to `passing`; `onTold` hears of every checksum that a HEAD was asked for and that came. */
export function createMissingObjects(
  { store, records }: { store: ObjectStore; records: ObjectRecords },
  layout: ZipLayout,
  range: Span,
  passing: PassingChecksums,
  onTold: (entryIndex: number) => void,
): MissingObjects {
  const isKnown = { has: (entryIndex: number) => passing.crc32(entryIndex) !== undefined }
  const entryIndexes = () => missingChecksums(layout, range, isKnown)
  const gapsOf = (entryIndex: number) => gapsBetween(passing.runs(entryIndex), entryAt(layout, entryIndex).sizeBytes)

  return {
    entryIndexes,

    owedBytes: () =>
      entryIndexes()
        .flatMap(gapsOf)
        .reduce((sum, { from, to }) => sum + to - from, 0),

    async lookUp({ signal }) {
      await mapConcurrently(entryIndexes(), lookUpsAtOnce, async (entryIndex) => {
        const { key, etag, sizeBytes, crc32 } = entryAt(layout, entryIndex)
        const meta = crc32 === 'awaited' ? await store.head(key, { signal }) : undefined
        const checksums = meta?.etag === etag ? meta.checksums : undefined
        const known = await records.find({ key, etag, sizeBytes, checksums }, { signal })
        if (known === undefined) return
        passing.addWhole(entryIndex, Number.parseInt(known.crc32, 16))
        if (crc32 === 'awaited') onTold(entryIndex)
      })
    },

    async read({ signal }) {
      const readOne = async (entryIndex: number) => {
        const entry = entryAt(layout, entryIndex)
        const { key, etag } = entry
        for (const { from, to } of gapsOf(entryIndex)) {
          const segment = { kind: 'object', entryIndex, key, etag, offset: from, lengthBytes: to - from } as const
          const follow = passing.follow(segment)
          const body = await openObject(store, entry, segment, signal)
          for await (const chunk of exactBytes(body, entry, segment, signal)) follow(chunk)
        }
      }
      const isSmall = (entryIndex: number) => entryAt(layout, entryIndex).crc32 === 'awaited'
      const missing = entryIndexes()
      await mapConcurrently(missing.filter(isSmall), smallAtOnce, readOne)
      await mapConcurrently(
        missing.filter((entryIndex) => !isSmall(entryIndex)),
        objectsAtOnce,
        readOne,
      )
    },
  }
}
