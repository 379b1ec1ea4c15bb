import type { Digests } from '../../ports/digests.ts'
import type { AppContext } from './context.ts'
import { matchesWeakly, quoted } from './entity-tags.ts'

/** A document as JSON with a strong ETag over its bytes; 304 while the client has just these. */
export function documentAnswer(c: AppContext, digests: Digests, document: unknown): Response {
  const text = JSON.stringify(document)
  const etag = digests.sha256(new TextEncoder().encode(text)).slice(0, 32)
  const ifNoneMatch = c.req.header('if-none-match')
  if (ifNoneMatch !== undefined && matchesWeakly(ifNoneMatch, etag)) return c.body(null, 304, { ETag: quoted(etag) })
  return c.body(text, 200, { 'Content-Type': 'application/json', ETag: quoted(etag) })
}
