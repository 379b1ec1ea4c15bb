import type { MiddlewareHandler } from 'hono'
import type { AppEnv } from '../context.ts'
import { HttpError } from '../http-error.ts'

/**
 * Refuses dot segments as they were sent. A URL parser resolves them, encoded ones too, so that `/v1/objects/files/..%2f` and
 * its like would silently name another object. Where the platform has parsed the target already (Workers), it was resolved
 * before us, and the object named is the one that the platform saw.
 */
export const rawTarget: MiddlewareHandler<AppEnv> = async function rawTarget(c, next) {
  const target = (c.env as { incoming?: { url?: string } } | undefined)?.incoming?.url
  const path = target?.split('?', 1)[0] ?? ''
  if (/(?:^|[/\\])(?:\.|%2e){1,2}(?:[/\\]|%2f|%5c|$)/i.test(path)) {
    throw new HttpError('invalid-request', 'the path contains dot segments')
  }
  await next()
}
