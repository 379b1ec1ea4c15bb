import { Hono, type MiddlewareHandler } from 'hono'
import type { Clock } from '../../ports/clock.ts'
import type { Digests } from '../../ports/digests.ts'
import type { Ids } from '../../ports/ids.ts'
import type { Log } from '../../ports/log.ts'
import type { ApiToken } from '../config-values.ts'
import type { AppEnv } from './context.ts'
import { auth } from './middleware/auth.ts'
import { onError, onNotFound } from './middleware/errors.ts'
import { crossOrigin } from './middleware/origin.ts'
import { rawTarget } from './middleware/raw-target.ts'
import { requestId } from './middleware/request-id.ts'
import type { Route } from './route.ts'

export interface HttpAppDeps {
  readonly routes: readonly Route[]
  /** The dashboard's own calls: they need no token, and their errors have another shape. */
  readonly dashboard: Hono<AppEnv> | undefined
  readonly ids: Ids
  readonly clock: Clock
  readonly log: Log
  readonly digests: Digests
  readonly tokens: readonly ApiToken[]
  readonly corsOrigins: readonly string[]
  /** Refuses requests of foreign pages. */
  readonly guard: MiddlewareHandler<AppEnv>
}

export function createHttpApp(deps: HttpAppDeps): Hono<AppEnv> {
  const { routes, dashboard, log, digests, tokens, corsOrigins, guard } = deps
  const app = new Hono<AppEnv>({ strict: true })
  app.use(requestId(deps))
  app.use(crossOrigin(corsOrigins))
  app.use(rawTarget)
  // Before the guard and the tokens, because it answers their refusals in its own form.
  if (dashboard !== undefined) app.route('/', dashboard)
  app.use(guard)
  app.use(auth({ digests, tokens }))
  for (const { mount } of routes) mount(app)
  app.notFound(onNotFound)
  app.onError(onError(log))
  return app
}
