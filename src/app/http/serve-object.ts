import { NotFound } from '../../domain/errors.ts'
import { contentDisposition } from '../../ports/content-disposition.ts'
import { PreconditionFailed } from '../../ports/errors.ts'
import type { Disposition } from '../../ports/link-signer.ts'
import type { Log } from '../../ports/log.ts'
import type { ObjectKey } from '../../ports/object-key.ts'
import type { ObjectMeta, ObjectStore } from '../../ports/object-store.ts'
import type { AppContext } from './context.ts'
import { matchesStrongly, matchesWeakly, quoted } from './entity-tags.ts'
import { rangeAnswer } from './range-answer.ts'
import { startedBody } from './started-body.ts'

/** Types that a browser may show in place; everything else is saved, whatever the link says. */
const inlineTypes = new Map([
  ['image/jpeg', 'image/jpeg'],
  ['image/png', 'image/png'],
  ['image/webp', 'image/webp'],
  ['image/gif', 'image/gif'],
  ['image/bmp', 'image/bmp'],
  ['text/plain', 'text/plain; charset=utf-8'],
  ['application/json', 'text/plain; charset=utf-8'],
])

interface Naming {
  readonly disposition: Disposition
  readonly filename: string
  /** Pages of other sites may show it, as a link's holder may wish. */
  readonly embeddable?: boolean
  /** Throws when this version, or none at all, is not what may be served. */
  readonly demand?: (meta: ObjectMeta | undefined) => void
}

/** How many versions are looked at when each is replaced while it is being opened. */
const versionsTried = 5

/**
 * An object as an HTTP answer: 200, 206, 304, 412 or 416, for GET and HEAD. Users' bytes are never a page of ours: they
 * come as attachments, sandboxed, and no browser may guess their type. Costs one HEAD, and one GET when bytes are sent.
 */
export async function serveObject(
  c: AppContext,
  { store, log }: { store: ObjectStore; log: Log },
  key: ObjectKey,
  naming: Naming,
): Promise<Response> {
  const { signal } = c.var
  for (let left = versionsTried; ; left--) {
    const meta = await store.head(key, { signal })
    naming.demand?.(meta)
    if (meta === undefined) throw new NotFound('no such object')
    const { status, headers, range } = answerTo(c, meta, naming)
    if (range === undefined || range.length === 0) return new Response(null, { status, headers })
    try {
      const found = await store.get(key, { signal, ifMatch: meta.etag, ...(status === 206 ? { range } : {}) })
      if (found === undefined) throw new NotFound('no such object')
      return new Response(await startedBody(c, found.body, log), { status, headers })
    } catch (error) {
      // Replaced since the HEAD: the client's conditions are then to be judged by the new version.
      if (!(error instanceof PreconditionFailed) || left === 1) throw error
    }
  }
}

interface Answer {
  readonly status: 200 | 206 | 304
  readonly headers: Headers
  /** The bytes to send, if any are to be sent. */
  readonly range?: { readonly offset: number; readonly length: number }
}

function answerTo(c: AppContext, meta: ObjectMeta, naming: Naming): Answer {
  const headers = objectHeaders(meta, naming)
  const ifMatch = c.req.header('if-match')
  if (ifMatch !== undefined && !matchesStrongly(ifMatch, meta.etag))
    throw new PreconditionFailed('another version is stored')
  const ifNoneMatch = c.req.header('if-none-match')
  if (ifNoneMatch !== undefined && matchesWeakly(ifNoneMatch, meta.etag)) return { status: 304, headers }

  const { status, offset, lengthBytes } = rangeAnswer(c, headers, meta)
  return c.req.method === 'HEAD' ? { status, headers } : { status, headers, range: { offset, length: lengthBytes } }
}

function objectHeaders(meta: ObjectMeta, naming: Naming): Headers {
  const inlineType = inlineTypes.get(meta.contentType.split(';')[0]?.trim().toLowerCase() ?? '')
  const disposition = inlineType === undefined ? 'attachment' : naming.disposition
  return new Headers({
    'Accept-Ranges': 'bytes',
    'Cache-Control': 'private, no-cache',
    'Content-Disposition': contentDisposition(disposition, naming.filename),
    'Content-Security-Policy': "sandbox; default-src 'none'",
    'Content-Type': (disposition === 'inline' ? inlineType : undefined) ?? meta.contentType,
    'Cross-Origin-Resource-Policy': naming.embeddable === true ? 'cross-origin' : 'same-site',
    ETag: quoted(meta.etag),
    'Last-Modified': meta.lastModified.toUTCString(),
    'X-Content-Type-Options': 'nosniff',
  })
}
