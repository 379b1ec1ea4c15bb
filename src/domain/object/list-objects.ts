import { InvalidCursor, StoreMisbehaved } from '../../ports/errors.ts'
import type { CallOptions, ListedObject, ListPage, ObjectStore } from '../../ports/object-store.ts'
import { type PublicRoot, publicRoots } from './public-key.ts'

export interface ObjectListing {
  readonly objects: readonly ListedObject[]
  readonly prefixes: readonly string[]
  readonly nextCursor: string | undefined
}

/**
 * One page of the public objects whose key begins with `prefix` (which may end inside a name, and may be empty). Costs one
 * LIST for each public folder that the page touches.
 */
export async function listObjects(
  store: ObjectStore,
  request: CallOptions & { prefix: string; delimiter?: '/' | undefined; cursor?: string | undefined; limit: number },
): Promise<ObjectListing> {
  const { prefix, delimiter, limit, signal } = request
  const roots = publicRoots.filter((root) => root.startsWith(prefix) || prefix.startsWith(root))
  const start =
    request.cursor === undefined ? { root: roots[0], inside: undefined } : parseCursor(request.cursor, roots)
  const objects: ListedObject[] = []
  const prefixes: string[] = []
  let inside = start.inside
  for (const root of roots.slice(start.root === undefined ? 0 : roots.indexOf(start.root))) {
    const room = limit - objects.length - prefixes.length
    if (room === 0) return { objects, prefixes, nextCursor: formatCursor(root, undefined) }
    if (delimiter !== undefined && prefix.length < root.length) {
      // The folder itself is the common prefix, when anything lies in it.
      if (await holdsAny(store, root, { signal })) prefixes.push(root)
      continue
    }
    const page = await store.list({
      prefix: prefix.length > root.length ? prefix : root,
      limit: room,
      signal,
      ...(delimiter === undefined ? {} : { delimiter }),
      ...(inside === undefined ? {} : { cursor: inside }),
    })
    inside = undefined
    objects.push(...page.objects)
    prefixes.push(...page.prefixes)
    if (page.cursor !== undefined) return { objects, prefixes, nextCursor: formatCursor(root, page.cursor) }
  }
  return { objects, prefixes, nextCursor: undefined }
}

function formatCursor(root: string, inside: string | undefined): string {
  return `${root.slice(0, -1)}:${inside ?? ''}`
}

function parseCursor(cursor: string, roots: readonly PublicRoot[]): { root: PublicRoot; inside: string | undefined } {
  const colon = cursor.indexOf(':')
  const root = roots.find((known) => known === `${cursor.slice(0, colon)}/`)
  if (colon === -1 || root === undefined) throw new InvalidCursor('the cursor is not one of this listing')
  const inside = cursor.slice(colon + 1)
  return { root, inside: inside === '' ? undefined : inside }
}

/** A page may be empty and still have one behind it. */
async function holdsAny(store: ObjectStore, prefix: string, { signal }: CallOptions): Promise<boolean> {
  for await (const { objects } of pagesBelow(store, prefix, 1, signal)) if (objects.length > 0) return true
  return false
}

/**
 * Every object below `prefix`, page by page. Costs one LIST per 1,000 objects. `onLeftOut` is told of objects that are there
 * and cannot be shown, see `ListPage.leftOut`.
 */
export async function* everyObject(
  store: ObjectStore,
  prefix: string,
  { signal, onLeftOut }: CallOptions & { onLeftOut?: (count: number) => void },
): AsyncGenerator<ListedObject> {
  for await (const { objects, leftOut } of pagesBelow(store, prefix, 1000, signal)) {
    if (leftOut !== undefined) onLeftOut?.(leftOut)
    yield* objects
  }
}

/** Throws `StoreMisbehaved` when the store leads back to a page that was there before. */
async function* pagesBelow(
  store: ObjectStore,
  prefix: string,
  limit: number,
  signal: AbortSignal,
): AsyncGenerator<ListPage> {
  const cursors = new Set<string | undefined>()
  let cursor: string | undefined
  do {
    cursors.add(cursor)
    const page: ListPage = await store.list({ prefix, limit, signal, ...(cursor === undefined ? {} : { cursor }) })
    yield page
    cursor = page.cursor
    if (cursor !== undefined && cursors.has(cursor)) throw new StoreMisbehaved('the listing goes round in circles')
  } while (cursor !== undefined)
}
