import { lstat } from 'node:fs/promises'
import type { ObjectKey } from '../../ports/object-key.ts'
import type { ListedObject, ListPage } from '../../ports/object-store.ts'
import { isAbsence } from './errors.ts'
import { pathOf } from './folders.ts'
import { versionOf } from './version.ts'
import { type Walk, walkNames } from './walk.ts'

const statsAtOnce = 16

/** One page. The cursor is the last name looked at. Files that vanish meanwhile are left out, so a page may be short. */
export async function listPage(walk: Walk, limit: number, signal: AbortSignal): Promise<ListPage> {
  const names: string[] = []
  let cursor: string | undefined
  let leftOut = 0
  let passed = 0
  const onLeftOut = () => {
    passed += 1
  }
  for await (const name of walkNames({ ...walk, onLeftOut })) {
    signal.throwIfAborted()
    if (names.length === limit) {
      cursor = names.at(-1)
      break
    }
    names.push(name)
    leftOut += passed
    passed = 0
  }
  // Those behind the last name of a page are passed again by the next one.
  if (cursor === undefined) leftOut += passed
  const isPrefix = (name: string) => name.endsWith('/')
  const objects: ListedObject[] = []
  const keys = names.filter((name) => !isPrefix(name)) as ObjectKey[]
  for (let i = 0; i < keys.length; i += statsAtOnce) {
    signal.throwIfAborted()
    const found = await Promise.all(keys.slice(i, i + statsAtOnce).map((key) => listed(walk.root, key)))
    objects.push(...found.filter((object) => object !== undefined))
  }
  return { objects, prefixes: names.filter(isPrefix), cursor, ...(leftOut > 0 && { leftOut }) }
}

async function listed(root: string, key: ObjectKey): Promise<ListedObject | undefined> {
  try {
    const stats = await lstat(pathOf(root, key), { bigint: true })
    if (!stats.isFile()) return undefined
    const { etag, sizeBytes, lastModified } = versionOf(stats)
    return { key, sizeBytes, etag, lastModified }
  } catch (error) {
    // Names that are no UTF-8 are read as something else, under which nothing is found either.
    if (isAbsence(error)) return undefined
    throw error
  }
}
