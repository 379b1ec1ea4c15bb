import type { Digests } from '../../../ports/digests.ts'
import type { ETag } from '../../../ports/object-store.ts'
import type { AppContext } from '../context.ts'
import { matchesWeakly, quoted } from '../entity-tags.ts'

/** A JSON document as bytes, with its strong entity tag. */
export interface KeptAnswer {
  readonly body: Uint8Array<ArrayBuffer>
  readonly etag: ETag
}

const encoder = new TextEncoder()

/** `make`, called once for each `seen`: who sees the same again gets the same bytes, and pays for nothing. */
export function keepAnswers<Seen extends object>(
  digests: Digests,
  make: (seen: Seen) => string,
): (seen: Seen) => KeptAnswer {
  const kept = new WeakMap<Seen, KeptAnswer>()
  return (seen) => {
    const known = kept.get(seen)
    if (known !== undefined) return known
    const body = encoder.encode(make(seen))
    const made = { body, etag: digests.sha256(body) as ETag }
    kept.set(seen, made)
    return made
  }
}

/** 304 to who has it already; browsers ask so by themselves. */
export function sendKept(c: AppContext, { body, etag }: KeptAnswer): Response {
  const headers = { ETag: quoted(etag), 'Cache-Control': 'no-cache' }
  const ifNoneMatch = c.req.header('if-none-match')
  if (ifNoneMatch !== undefined && matchesWeakly(ifNoneMatch, etag)) return c.body(null, 304, headers)
  return c.body(body, 200, { ...headers, 'Content-Type': 'application/json' })
}
