import type { CallOptions } from '../../ports/object-store.ts'
import type { LearnedChecksums } from './entry-checksums.ts'
import { type FindChecksumsDeps, hex } from './find-checksums.ts'
import type { ManifestEntry } from './manifest.ts'
import { knownCrc32 } from './missing-checksums.ts'
import { createMissingObjects, type MissingObjects } from './missing-objects.ts'
import type { NotedArchive } from './note-store.ts'
import { createNotedProgress, requestBytes } from './noted-progress.ts'
import { checkpointBytes, createPassingChecksums } from './passing-checksums.ts'
import { ExportChecksumMissing } from './refusals.ts'
import { createRememberer } from './remember-checksums.ts'
import type { Span } from './span.ts'
import { entryAt, offsetAt, type ZipLayout } from './zip-layout.ts'

/**
 * What a range may need to be read of objects that it does not hold, where one that has not even `longBytes` before that
 * asks for the end of an archive: nobody waits minutes for a directory. Others download, several side by side perhaps, so
 * that most of it will have passed elsewhere when its turn comes.
 */
const readAtOnceBytesMax = 2 ** 30
const longBytes = checkpointBytes

/** So many files are looked at one by one: what was noted of all may be megabytes. */
const fewMissing = 8

/** What a reading of one range of an archive can learn, and needs to know. */
export interface RangeChecksums {
  /** `undefined`: the manifest knows all. */
  readonly learned: LearnedChecksums | undefined
  /** False: so much would have to be read for the little that is asked for that the whole archive is the better answer. */
  readonly rangeServed: boolean
}

/**
 * For the entries of an export whose CRC-32 its manifest lacks. What passes comes with its checksum or is computed on the
 * way, is noted beside the export about every 16 MiB, and recorded for later exports when an object with a data descriptor
 * is complete. What a range needs of objects that it does not hold is looked up and, where nobody knows it, read, when its
 * turn comes: of each object only the bytes that never passed. Costs nothing where the manifest knows all or the range has
 * all that is awaited in it, but for a few, else one GET before the first byte.
 */
export async function learnChecksums(
  deps: FindChecksumsDeps,
  archive: NotedArchive,
  range: Span,
  { signal }: CallOptions,
): Promise<RangeChecksums> {
  const { layout } = archive
  if (layout.entries.every((entry) => knownCrc32(entry) !== null)) return { learned: undefined, rangeServed: true }

  const rememberer = createRememberer(deps)
  const passing = createPassingChecksums(layout, deps.digests, (entryIndex, { from, to }) => {
    const crc32 = passing.crc32(entryIndex)
    const entry = entryAt(layout, entryIndex)
    // What awaits its checksum needs no record: in the next export, too, it comes with the bytes.
    if (crc32 !== undefined && entry.crc32 === null) rememberer.remember(entry, { crc32: hex(crc32) })
    learned(entry, to - from)
  })
  const notes = createNotedProgress(deps, archive, passing)
  const learned = ({ crc32 }: ManifestEntry, bytes: number) =>
    notes.learned(crc32 === null ? bytes : Math.max(bytes, requestBytes))
  const countTold = (entryIndex: number) => {
    const entry = entryAt(layout, entryIndex)
    learned(entry, entry.sizeBytes)
  }
  const missing = createMissingObjects(deps, layout, range, passing, countTold)

  const hasDescriptors = layout.entries.some(({ crc32 }) => crc32 === null)
  const loadNotes = async (options: CallOptions): Promise<void> => {
    if (hasDescriptors || missing.entryIndexes().length > fewMissing) await notes.load(options)
  }

  /** For all entries at once. Others may have gone on meanwhile, so that they are asked before anything is read. */
  const findAll = async (options: CallOptions): Promise<void> => {
    await loadNotes(options)
    await missing.lookUp(options)
    await missing.read(options)
  }
  let finding: Promise<void> | undefined

  await loadNotes({ signal })
  const rangeServed = await isServed(layout, range, missing, { signal }).catch(async (error: unknown) => {
    // Thousands may have been asked for, and nothing else ends this reading.
    await notes.end('noted')
    throw error
  })
  const isWhole = !rangeServed || (range.from === 0 && range.to === layout.lengthBytes)
  return {
    rangeServed,

    learned: {
      crc32: passing.crc32,
      told(entryIndex, crc32) {
        passing.addWhole(entryIndex, crc32)
        countTold(entryIndex)
      },
      follow: passing.follow,

      async find(entryIndex, options) {
        finding ??= findAll(options)
        await finding
        const crc32 = passing.crc32(entryIndex)
        if (crc32 === undefined) throw new ExportChecksumMissing([entryIndex])
        return crc32
      },

      keepUp: rememberer.keepUp,

      async end() {
        // Who has the whole archive does not come back for the rest. Who knows all checksums may have its directory alone.
        const knowsAll = layout.entries.every(
          (entry, index) => knownCrc32(entry) !== null || passing.crc32(index) !== undefined,
        )
        await notes.end(isWhole && knowsAll && !hasDescriptors ? 'left' : 'noted')
        await rememberer.end()
      },
    },
  }
}

async function isServed(
  layout: ZipLayout,
  range: Span,
  missing: MissingObjects,
  options: CallOptions,
): Promise<boolean> {
  const isWorthIt = () =>
    missing.owedBytes() <= readAtOnceBytesMax ||
    missing.entryIndexes().every((index) => neededAfterBytes(layout, index, range) >= longBytes)
  if (isWorthIt()) return true
  await missing.lookUp(options)
  return isWorthIt()
}

/** How much of the range comes before the checksum of an entry that it needs and does not hold. */
function neededAfterBytes(layout: ZipLayout, entryIndex: number, { from }: Span): number {
  const end = offsetAt(layout.localOffsets, entryIndex + 1)
  return (from < end ? end : offsetAt(layout.centralOffsets, entryIndex)) - from
}
