import type { MiddlewareHandler } from 'hono'
import type { Clock } from '../../../ports/clock.ts'
import type { Ids } from '../../../ports/ids.ts'
import type { Log } from '../../../ports/log.ts'
import type { AppEnv } from '../context.ts'

class ClientLeft extends Error {}

/** Gives every request an id and a signal, and writes its one line in the log: the path, never the query. */
export function requestId({ ids, clock, log }: { ids: Ids; clock: Clock; log: Log }): MiddlewareHandler<AppEnv> {
  return async function requestId(c, next) {
    const given = c.req.header('x-request-id')
    const id = given !== undefined && /^[\w.-]{1,128}$/.test(given) ? given : ids.next()
    c.set('requestId', id)
    c.set('signal', errorSignal(c.req.raw.signal))
    const startedAtMs = clock.nowMs()
    await next()
    c.header('X-Request-Id', id)
    const { method } = c.req
    log.info('request', {
      requestId: id,
      method,
      path: withoutTokens(c.req.path),
      // What was answered to nobody says nothing of us; 499 is what proxies write for it.
      status: c.var.signal.aborted ? 499 : c.res.status,
      durationMs: clock.nowMs() - startedAtMs,
    })
  }
}

/** The request's signal, but its reason is always an `Error`: the Node server gives a string, which is no error to anybody. */
function errorSignal(signal: AbortSignal): AbortSignal {
  const controller = new AbortController()
  const abort = () => controller.abort(new ClientLeft('the client left', { cause: signal.reason }))
  if (signal.aborted) abort()
  else signal.addEventListener('abort', abort, { once: true })
  return controller.signal
}

/** Wherever it stands: a proxy that adds to the path, or a doubled slash, must not bring the token of a link here. */
function withoutTokens(path: string): string {
  return path.replace(/(\/v1\/+links\/+).*/s, '$1…')
}
