import { maxSegmentBytes } from '../../ports/object-key.ts'
import { cleanSegment, folded, shortened, splitExtension, utf8Bytes } from './name-segment.ts'

/** Where a file should lie in the archive: a folder of zero or more segments, and a name in it. Any strings will do. */
export interface ProposedPlace {
  readonly folder: string
  readonly file: string
}

/** Files that share folder and stem, such as an image and its caption. They get the same number, so they stay together. */
interface Pair {
  readonly folder: string
  readonly stem: string
  readonly members: { readonly index: number; readonly extension: string }[]
}

/** Room for ` (1234567)`, held free whatever the number, so that all numbers of a stem share one beginning. */
const numberBytes = 12

/** With the longest extension in place of its own, which has 32 bytes, it still is a segment. */
const neverShortenedBytes = maxSegmentBytes - 32

/**
 * One name for each place, in order. Every name satisfies `isSafeEntryName`, no two are the same on a system that ignores
 * letter case or normalisation, and none is the folder of another. A name that is taken gets ` (2)`, ` (3)` … before the
 * extension. Depends on `places` alone. Near-linear: 70,000 places take a fraction of a second.
 */
export function entryNames(places: readonly ProposedPlace[]): string[] {
  const folders = new Map<string, string>()
  for (const { folder } of places) if (!folders.has(folder)) folders.set(folder, cleanFolder(folder))
  return ownNames(places, folders) ?? numberedNames(places, folders)
}

/**
 * What nearly all exports come to, at a tenth of the memory: each file has its own cleaned name. `undefined` when two names
 * meet, or one is so long that its pair might have to be shortened.
 */
function ownNames(places: readonly ProposedPlace[], folders: ReadonlyMap<string, string>): string[] | undefined {
  const taken = foldedFolders(folders.values())
  const names: string[] = []
  for (const { folder, file } of places) {
    const clean = cleanSegment(file) || '_'
    const name = (folders.get(folder) ?? '') + clean
    const claim = folded(name)
    if (taken.has(claim) || utf8Bytes(clean) > neverShortenedBytes) return undefined
    taken.add(claim)
    names.push(name)
  }
  return names
}

function numberedNames(places: readonly ProposedPlace[], folders: ReadonlyMap<string, string>): string[] {
  const taken = foldedFolders(folders.values())
  const takenStems = new Set<string>()
  const names = new Array<string>(places.length)

  const claim = (pair: Pair, number: number): boolean => {
    const stem = numberedStem(pair, number)
    const foldedStem = folded(stem)
    // A numbered pair never joins a stem in use: its image would meet the caption of another one.
    if (number > 1 && takenStems.has(foldedStem)) return false
    const claims = pair.members.map(({ extension }) => folded(stem + extension))
    if (claims.some((name) => taken.has(name))) return false
    takenStems.add(foldedStem)
    for (const name of claims) taken.add(name)
    for (const { index, extension } of pair.members) names[index] = stem + extension
    return true
  }

  // All that can keep their names do so first; else a real `a (2).jpg` might lose its name to a second `a.jpg`.
  const colliding = pairUp(places, folders).filter((pair) => !claim(pair, 1))
  const nextNumbers = new Map<string, number>()
  for (const pair of colliding) {
    const counter = folded(stemWithRoom(pair, numberBytes))
    let number = nextNumbers.get(counter) ?? 2
    while (!claim(pair, number)) number++
    nextNumbers.set(counter, number + 1)
  }
  return names
}

/** In order of their first members. Of files that are equal but for case, the second opens a new pair, and so on. */
function pairUp(places: readonly ProposedPlace[], folders: ReadonlyMap<string, string>): Pair[] {
  const pairs: Pair[] = []
  const byStem = new Map<string, Pair[]>()
  const occurrences = new Map<string, number>()
  for (const [index, place] of places.entries()) {
    const { stem, extension } = splitExtension(cleanSegment(place.file) || '_')
    // By what the file was called before cleaning: `a?` and `a*` are not partners although both become `a_`.
    const given = splitExtension(place.file.normalize('NFC')).stem
    const partners = `${place.folder}\0${given}\0${stem}`
    const same = `${partners}\0${folded(extension)}`
    const occurrence = occurrences.get(same) ?? 0
    occurrences.set(same, occurrence + 1)
    const known = byStem.get(partners) ?? []
    byStem.set(partners, known)
    let pair = known[occurrence]
    if (pair === undefined) {
      pair = { folder: folders.get(place.folder) ?? '', stem, members: [] }
      known.push(pair)
      pairs.push(pair)
    }
    pair.members.push({ index, extension })
  }
  return pairs
}

function numberedStem(pair: Pair, number: number): string {
  return number === 1 ? stemWithRoom(pair, 0) : `${stemWithRoom(pair, numberBytes)} (${number})`
}

/** The path of the pair without extension, shortened so that the longest extension and `roomBytes` more still fit. */
function stemWithRoom({ folder, stem, members }: Pair, roomBytes: number): string {
  const longestBytes = Math.max(...members.map(({ extension }) => utf8Bytes(extension)))
  return folder + (shortened(stem, maxSegmentBytes - longestBytes - roomBytes) || '_')
}

/** Empty, or ending in `/`. Segments of which nothing is left, such as `..`, are dropped. */
function cleanFolder(folder: string): string {
  const segments = folder.split('/').map((segment) => shortened(cleanSegment(segment), maxSegmentBytes))
  return segments.map((segment) => (segment === '' ? '' : `${segment}/`)).join('')
}

function foldedFolders(folders: Iterable<string>): Set<string> {
  const found = new Set<string>()
  for (const folder of folders) {
    for (let end = folder.indexOf('/'); end !== -1; end = folder.indexOf('/', end + 1)) {
      found.add(folded(folder.slice(0, end)))
    }
  }
  return found
}
