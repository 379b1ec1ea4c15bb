import type { ListObjectsV2CommandOutput } from '@aws-sdk/client-s3'
import { StoreMisbehaved } from '../../ports/errors.ts'
import { isLeftOut, objectKeyOrUndefined } from '../../ports/object-key.ts'
import type { ListedObject } from '../../ports/object-store.ts'
import { etagFrom } from './bucket.ts'

/** One name of a page: an object, or a beginning that several share. */
export interface Entry {
  readonly name: string
  readonly object: ListedObject | undefined
}

/**
 * What `answer` shows below `prefix`, without `base`, in the order of the server: objects, then beginnings. `strays`: it
 * shows others, too. Names that cannot be keys are left out: directory markers, RunPod's own folders; `leftOut` counts the
 * files of others among them.
 */
export function entriesIn(
  answer: ListObjectsV2CommandOutput,
  { base, prefix }: { base: string; prefix: string },
): { entries: Entry[]; strays: boolean; leftOut: number } {
  const decoded = (name = '') => (answer.EncodingType === 'url' ? urlDecoded(name) : name)
  let strays = false
  let leftOut = 0
  /** Without `base`; empty where it is not one of those that were asked for. */
  const own = (given: string | undefined): string => {
    const whole = decoded(given)
    if (whole.startsWith(base + prefix)) return whole.slice(base.length)
    strays = true
    return ''
  }
  const objects = (answer.Contents ?? []).flatMap(({ Key, Size, ETag, LastModified = new Date(0) }) => {
    const name = own(Key)
    const key = objectKeyOrUndefined(name)
    if (isLeftOut(name)) leftOut += 1
    if (key === undefined) return []
    const etag = etagFrom(ETag)
    // Directories of file systems may come without a slash at their end.
    if (etag === undefined && (Size ?? 0) === 0) return []
    if (etag === undefined) throw new StoreMisbehaved('a listing names no versions')
    if (Size === undefined) throw new StoreMisbehaved('a listing does not say how long an object is')
    return { name: key, object: { key, sizeBytes: Size, etag, lastModified: LastModified } }
  })
  const beginnings = (answer.CommonPrefixes ?? []).flatMap(({ Prefix }) => {
    const name = own(Prefix)
    if (name === prefix || objectKeyOrUndefined(name.slice(0, -1)) === undefined) return []
    return { name, object: undefined }
  })
  return { entries: [...objects, ...beginnings], strays, leftOut }
}

/** What the delimiter means, for servers that are not asked or do not care: names that go on behind it become one. */
export function foldedAt(delimiter: '/', entries: readonly Entry[], prefix: string): Entry[] {
  const folded = new Map<string, Entry>()
  for (const entry of entries) {
    const at = entry.name.indexOf(delimiter, prefix.length)
    const name = at === -1 ? entry.name : entry.name.slice(0, at + 1)
    // The last of them counts for the order.
    folded.delete(name)
    folded.set(name, at === -1 ? entry : { name, object: undefined })
  }
  return [...folded.values()]
}

/** Names below one beginning come one after the other, by bytes as by folders, so only the last can go on behind a page. */
export function lastBeginning(entries: readonly Entry[]): string | undefined {
  const last = entries.at(-1)
  return last?.object === undefined ? last?.name : undefined
}

/** As in forms: Amazon writes a blank as `+`. A name that is not well encoded is left as it is. */
function urlDecoded(name: string): string {
  try {
    return decodeURIComponent(name.replaceAll('+', ' '))
  } catch {
    return name
  }
}
