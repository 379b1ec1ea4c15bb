import type { ETag } from '../../ports/object-store.ts'
import { knownCrc32 } from './missing-checksums.ts'
import type { PassingChecksums } from './passing-checksums.ts'
import type { ZipLayout } from './zip-layout.ts'

/** What is noted beside an export: of each entry its place, and then start, end and CRC-32 of each run. */
interface Notes {
  /** The entity tag of the archive: an export made anew under the same id has other entries. */
  readonly archive: string
  readonly entries: readonly (readonly number[])[]
}

/** JSON, about 30 bytes for each run. */
export function encodeNotes(archive: ETag, passing: Pick<PassingChecksums, 'entryIndexes' | 'runs'>): Uint8Array {
  const entries = [...passing.entryIndexes()].map((index) => [
    index,
    ...passing.runs(index).flatMap(({ from, to, crc32 }) => [from, to, crc32]),
  ])
  return new TextEncoder().encode(JSON.stringify({ archive, entries } satisfies Notes))
}

/** Adds what is noted to `passing`. Notes are a cache: those that cannot be read, or are of another archive, are none. */
export function takeNotes(
  text: string,
  archive: ETag,
  layout: ZipLayout,
  passing: Pick<PassingChecksums, 'add'>,
): void {
  for (const [index, ...numbers] of notedEntries(text, archive)) {
    const entry = index === undefined ? undefined : layout.entries[index]
    if (index === undefined || entry === undefined || knownCrc32(entry) !== null) continue
    for (let i = 0; i + 2 < numbers.length; i += 3) {
      const [from = 0, to = 0, crc32 = 0] = numbers.slice(i, i + 3)
      if (from < to && to <= entry.sizeBytes && crc32 <= 0xffff_ffff) passing.add(index, { from, to, crc32 })
    }
  }
}

function notedEntries(text: string, archive: ETag): readonly (readonly number[])[] {
  try {
    const notes = JSON.parse(text) as Partial<Notes>
    if (notes.archive !== archive || !Array.isArray(notes.entries)) return []
    return notes.entries.filter((entry) => Array.isArray(entry) && entry.every(isCount))
  } catch {
    return []
  }
}

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0
