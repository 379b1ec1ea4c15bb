import { Hono, type MiddlewareHandler } from 'hono'
import type { Log } from '../../../ports/log.ts'
import type { AppEnv } from '../context.ts'
import { translate } from '../middleware/errors.ts'
import { type ProblemCode, problems } from '../problem.ts'
import type { DashboardCall } from './call.ts'

export interface DashboardAppDeps {
  readonly calls: readonly DashboardCall[]
  /** Refuses requests of foreign pages. */
  readonly guard: MiddlewareHandler<AppEnv>
  readonly log: Log
}

/**
 * The calls of the existing dashboard: a translation onto the use cases behind `/v1`. It cannot authenticate, so its
 * bearer is not even read; its errors are `{success: false, message}` with the right status, the one form that it shows.
 */
export function dashboardApp({ calls, guard, log }: DashboardAppDeps): Hono<AppEnv> {
  const app = new Hono<AppEnv>()
  for (const { method, path, answer } of calls) app.on(method, [path], guard, answer)
  app.onError((error, c) => {
    const { problem, headers } = translate(error, c.var.requestId)
    // A client that left makes our own calls fail: nothing is wrong with us.
    const left = c.var.signal.aborted
    if (problem.status >= 500 && !left) {
      log.error('request-failed', { requestId: c.var.requestId, code: problem.code, error })
    }
    const { status } = problems[problem.code as ProblemCode]
    return c.json({ success: false, message: problem.detail }, status, headers)
  })
  return app
}
