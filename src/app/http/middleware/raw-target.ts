import type { MiddlewareHandler } from 'hono'
import type { AppEnv } from '../context.ts'
import { HttpError } from '../http-error.ts'

/** Dot segments, encoded ones too, between slashes of either kind. */
const dotSegment = /(?:^|[/\\])(?:\.|%2e){1,2}(?:[/\\]|%2f|%5c|$)/i
/** What a request target cannot contain (RFC 9112 §3.2) and a URL parser takes nevertheless. */
const notInTarget = /[^\x21-\x7e]|[\\#]/

/**
 * Refuses targets of which a URL parser or a router would make something else, so that two spellings never name one thing:
 * dot segments, encoded ones too, are resolved (`/v1/objects/files/..%2f` would name another object), a fragment is cut
 * off, a backslash becomes a slash, raw bytes are encoded, and escapes that are no UTF-8 stay as they are. Where the platform
 * has parsed the target already (Workers), the object named is the one that the platform saw.
 */
export const rawTarget: MiddlewareHandler<AppEnv> = async function rawTarget(c, next) {
  const target = (c.env as { incoming?: { url?: string } } | undefined)?.incoming?.url ?? ''
  if (notInTarget.test(target)) throw refused('the request target is not a percent-encoded URL')
  if (dotSegment.test(target.split('?', 1)[0] ?? '')) throw refused('the path contains dot segments')
  if (!isDecodable(new URL(c.req.url).pathname)) throw refused('the path is not percent-encoded UTF-8')
  await next()
}

function isDecodable(path: string): boolean {
  try {
    decodeURIComponent(path)
    return true
  } catch {
    return false
  }
}

function refused(detail: string): HttpError {
  return new HttpError('invalid-request', detail, { errors: [{ path: 'path', message: detail }] })
}
