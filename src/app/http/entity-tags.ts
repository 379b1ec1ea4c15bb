import type { ETag, PutCondition } from '../../ports/object-store.ts'
import { HttpError } from './http-error.ts'

export interface EntityTag {
  readonly weak: boolean
  readonly value: string
}

/** A strong entity-tag as HTTP writes it (RFC 9110 §8.8.3). */
export function quoted(etag: string): string {
  return `"${etag}"`
}

/** The entity-tags of an `If-Match` or `If-None-Match` value, or `*`. Throws 400 for anything else. */
export function parseEntityTags(header: string): readonly EntityTag[] | '*' {
  const value = header.trim()
  if (value === '*') return '*'
  if (!/^(?:W\/)?"[^"]*"(?:\s*,\s*(?:W\/)?"[^"]*")*$/.test(value)) {
    throw new HttpError('invalid-request', 'entity-tags are written in double quotes')
  }
  return [...value.matchAll(/(W\/)?"([^"]*)"/g)].map(([, weak, tag]) => ({
    weak: weak !== undefined,
    value: tag ?? '',
  }))
}

/** Weak comparison, for reads: is what the client has still the same? */
export function matchesWeakly(header: string, etag: string): boolean {
  const tags = parseEntityTags(header)
  return tags === '*' || tags.some(({ value }) => value === etag)
}

/** Strong comparison, for `If-Match`. */
export function matchesStrongly(header: string, etag: string): boolean {
  const tags = parseEntityTags(header)
  return tags === '*' || tags.some(({ weak, value }) => !weak && value === etag)
}

/** `If-Range` holds only for the very same strong tag; a date never does, because ours has no strong one. */
export function ifRangeHolds(header: string, etag: string): boolean {
  return header.trim() === quoted(etag)
}

/** What a write asks for. `If-Match: *` is `exists`: any version will do, but there must be one. */
export function writeCondition(headers: {
  ifMatch: string | undefined
  ifNoneMatch: string | undefined
}): PutCondition | 'exists' {
  const { ifMatch, ifNoneMatch } = headers
  if (ifMatch !== undefined && ifNoneMatch !== undefined) {
    throw new HttpError('invalid-request', 'send If-Match or If-None-Match, not both')
  }
  if (ifNoneMatch !== undefined) {
    if (parseEntityTags(ifNoneMatch) === '*') return 'if-absent'
    throw new HttpError('invalid-request', 'on writes only If-None-Match: * is supported')
  }
  if (ifMatch === undefined) return 'always'
  const tags = parseEntityTags(ifMatch)
  if (tags === '*') return 'exists'
  const [tag, ...more] = tags
  if (tag === undefined || more.length > 0)
    throw new HttpError('invalid-request', 'on writes If-Match takes one entity-tag')
  // A weak tag never matches strongly (RFC 9110 §13.1.1), so it names no version.
  return { ifMatch: (tag.weak ? `W/${tag.value}` : tag.value) as ETag }
}
