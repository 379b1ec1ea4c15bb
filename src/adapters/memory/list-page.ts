import { compareKeys } from '../../ports/object-key.ts'
import type { ListedObject, ListPage } from '../../ports/object-store.ts'

/** One page of a listing over all objects. The cursor is the last name given out: later names are behind it in order. */
export function listPage(
  all: Iterable<ListedObject>,
  request: { prefix: string; delimiter?: '/'; cursor?: string; limit: number },
): ListPage {
  const { prefix, delimiter, cursor, limit } = request
  const objects: ListedObject[] = []
  const prefixes: string[] = []
  let last: string | undefined
  const matching = [...all].filter(({ key }) => key.startsWith(prefix)).sort((a, b) => compareKeys(a.key, b.key))
  for (const { key, sizeBytes, etag, lastModified } of matching) {
    const cut = delimiter === undefined ? -1 : key.indexOf(delimiter, prefix.length)
    const name = cut === -1 ? key : key.slice(0, cut + 1)
    if (name === last || (cursor !== undefined && compareKeys(name, cursor) <= 0)) continue
    if (objects.length + prefixes.length === limit) return { objects, prefixes, cursor: last }
    if (cut === -1) objects.push({ key, sizeBytes, etag, lastModified })
    else prefixes.push(name)
    last = name
  }
  return { objects, prefixes, cursor: undefined }
}
