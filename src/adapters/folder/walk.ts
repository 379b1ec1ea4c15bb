import { opendir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { compareKeys, isLeftOut, objectKeyOrUndefined, segmentFault } from '../../ports/object-key.ts'
import { isAbsence } from './errors.ts'
import { isDirect, pathOf } from './folders.ts'

export interface Walk {
  readonly root: string
  readonly prefix: string
  readonly delimiter: '/' | undefined
  /** Only names behind this one. */
  readonly cursor: string | undefined
  /** Called in its turn for each file, and once for each folder, that lies there and cannot be shown. */
  readonly onLeftOut?: () => void
}

/**
 * The names of a listing in key order: keys of files, and with a delimiter the names of folders that hold one, with their
 * slash. Reads only folders that can hold such a name. Each costs time and memory by the number of its own entries.
 */
export async function* walkNames(walk: Walk): AsyncGenerator<string> {
  const start = walk.prefix.slice(0, walk.prefix.lastIndexOf('/') + 1)
  if (
    start !== '' &&
    !(objectKeyOrUndefined(start.slice(0, -1)) && (await isDirect(pathOf(walk.root, start.slice(0, -1)))))
  )
    return
  yield* walkFolder(walk, start)
}

/** `base`: the folder's name with its slash, or nothing for the root. */
async function* walkFolder(walk: Walk, base: string): AsyncGenerator<string> {
  const { root, prefix, delimiter, cursor } = walk
  const names: string[] = []
  for (const entry of await entriesOf(join(root, base))) {
    const isFolder = entry.isDirectory()
    if (!isFolder && !entry.isFile()) continue
    // A folder sorts as its keys do: with the slash, so behind `name!` and `name-` and before `name0`.
    const name = base + entry.name + (isFolder ? '/' : '')
    const isBehind = cursor === undefined || compareKeys(name, cursor) > 0
    const holdsBehind = isFolder && delimiter === undefined && cursor?.startsWith(name)
    if (name.startsWith(prefix) && (isBehind || holdsBehind)) names.push(name)
  }
  for (const name of names.sort(compareKeys)) {
    if (!name.endsWith('/')) {
      if (objectKeyOrUndefined(name) !== undefined) yield name
      else if (isLeftOut(name)) walk.onLeftOut?.()
    } else if (isOurs(name.slice(base.length, -1))) {
      if (delimiter === undefined) yield* walkFolder(walk, name)
      else if (await holdsObject(root, name)) yield name
    } else if (isLeftOut(name.slice(0, -1))) walk.onLeftOut?.()
  }
}

async function entriesOf(folder: string) {
  try {
    return await readdir(folder, { withFileTypes: true })
  } catch (error) {
    if (isAbsence(error)) return []
    throw error
  }
}

/** Stops at the first one; folders without any are rare. */
async function holdsObject(root: string, base: string): Promise<boolean> {
  const folders: string[] = []
  try {
    for await (const entry of await opendir(join(root, base))) {
      if (entry.isFile() && objectKeyOrUndefined(base + entry.name) !== undefined) return true
      if (entry.isDirectory() && isOurs(entry.name)) folders.push(`${base}${entry.name}/`)
    }
  } catch (error) {
    if (isAbsence(error)) return false
    throw error
  }
  for (const folder of folders) if (await holdsObject(root, folder)) return true
  return false
}

function isOurs(segment: string): boolean {
  return segmentFault(segment) === undefined && segment === segment.normalize('NFC')
}
