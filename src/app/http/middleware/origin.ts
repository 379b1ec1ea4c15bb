import type { MiddlewareHandler } from 'hono'
import { cors } from 'hono/cors'
import { isLoopback } from '../../config.ts'
import type { AppEnv } from '../context.ts'
import { HttpError } from '../http-error.ts'

const exposed = [
  'ETag',
  'Location',
  'Content-Disposition',
  'Content-Range',
  'Accept-Ranges',
  'Retry-After',
  'X-Request-Id',
  'Upload-Offset',
  'Upload-Length',
  'Upload-Metadata',
  'Upload-Expires',
  'Upload-Defer-Length',
  'Upload-Concat',
  'Tus-Resumable',
  'Tus-Version',
  'Tus-Extension',
  'Tus-Max-Size',
  'Tus-Checksum-Algorithm',
]

/** Exact origins only, on every answer, errors too; preflights are cached for ten minutes. */
export function crossOrigin(origins: readonly string[]): MiddlewareHandler<AppEnv> {
  return cors({
    origin: (origin) => (origins.includes(origin) ? origin : null),
    allowMethods: ['GET', 'HEAD', 'PUT', 'POST', 'PATCH', 'DELETE'],
    exposeHeaders: exposed,
    maxAge: 600,
  })
}

const safe = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * Two guards that a browser makes necessary. A foreign page may send simple requests without asking first, so a request
 * that changes something and names an `Origin` must name a known one. And where no token is asked for, the host must be one
 * of ours: else a page whose name was rebound to our address could read everything.
 */
export function foreignPages(options: {
  publicUrl: string
  corsOrigins: readonly string[]
  tokensAsked: boolean
  /** Of reads, too, the origin must be known. */
  alsoReads?: boolean
}): MiddlewareHandler<AppEnv> {
  const { publicUrl, corsOrigins, tokensAsked, alsoReads = false } = options
  const ours = new URL(publicUrl)
  return async function foreignPages(c, next) {
    const url = new URL(c.req.url)
    const host = c.req.header('host')
    // An absolute-form request target may name another host than the Host header.
    if (host !== undefined && hostOf(`${url.protocol}//${host}`) !== url.host) {
      throw new HttpError('invalid-request', 'the request target and the Host header name different hosts')
    }
    const ourHost = isLoopback(url.hostname) || url.host === ours.host
    if (!tokensAsked && !ourHost) {
      throw new HttpError('forbidden', 'this host name is not served without tokens, because PUBLIC_URL has another')
    }
    const origin = c.req.header('origin')
    const known =
      origin === undefined ||
      corsOrigins.includes(origin) ||
      (ourHost && hostOf(origin) === url.host) ||
      origin === ours.origin
    if (!known && (alsoReads || !safe.has(c.req.method)))
      throw new HttpError('forbidden', 'this origin is not one of CORS_ORIGINS')
    await next()
  }
}

/** With the port only where it is not the usual one. */
function hostOf(url: string): string | undefined {
  try {
    return new URL(url).host
  } catch {
    return undefined
  }
}
