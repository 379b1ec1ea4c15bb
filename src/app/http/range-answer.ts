import { resolveRange } from '../../ports/range.ts'
import type { AppContext } from './context.ts'
import { ifRangeHolds } from './entity-tags.ts'
import { parseRange } from './range-header.ts'

export interface RangeAnswer {
  readonly status: 200 | 206
  readonly offset: number
  readonly lengthBytes: number
}

/**
 * Which bytes of `sizeBytes` the request asks for, with `Content-Length` and `Content-Range` set in `headers`. Heeds
 * `If-Range`; throws `RangeNotSatisfiable`.
 */
export function rangeAnswer(
  c: AppContext,
  headers: Headers,
  { etag, sizeBytes }: { etag: string; sizeBytes: number },
): RangeAnswer {
  const ifRange = c.req.header('if-range')
  const range = ifRange === undefined || ifRangeHolds(ifRange, etag) ? parseRange(c.req.header('range')) : undefined
  const { offset, lengthBytes } = resolveRange(range, sizeBytes)
  if (range === undefined) return wholeAnswer(headers, sizeBytes)
  headers.set('Content-Length', lengthBytes.toString())
  headers.set('Content-Range', `bytes ${offset}-${offset + lengthBytes - 1}/${sizeBytes}`)
  return { status: 206, offset, lengthBytes }
}

/** All `sizeBytes` of them, whatever range was asked for: RFC 9110 §14.2 lets a server ignore it. */
export function wholeAnswer(headers: Headers, sizeBytes: number): RangeAnswer {
  headers.set('Content-Length', sizeBytes.toString())
  headers.delete('Content-Range')
  return { status: 200, offset: 0, lengthBytes: sizeBytes }
}
