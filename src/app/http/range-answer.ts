import { resolveRange } from '../../ports/range.ts'
import type { AppContext } from './context.ts'
import { ifRangeHolds } from './entity-tags.ts'
import { parseRange } from './range-header.ts'

/**
 * Which bytes of `sizeBytes` the request asks for, with `Content-Length` and `Content-Range` set in `headers`. Heeds
 * `If-Range`; throws `RangeNotSatisfiable`.
 */
export function rangeAnswer(
  c: AppContext,
  headers: Headers,
  { etag, sizeBytes }: { etag: string; sizeBytes: number },
): { status: 200 | 206; offset: number; lengthBytes: number } {
  const ifRange = c.req.header('if-range')
  const range = ifRange === undefined || ifRangeHolds(ifRange, etag) ? parseRange(c.req.header('range')) : undefined
  const { offset, lengthBytes } = resolveRange(range, sizeBytes)
  headers.set('Content-Length', lengthBytes.toString())
  if (range === undefined) return { status: 200, offset, lengthBytes }
  headers.set('Content-Range', `bytes ${offset}-${offset + lengthBytes - 1}/${sizeBytes}`)
  return { status: 206, offset, lengthBytes }
}
