import * as z from 'zod'
import { openApiDocument } from '../openapi.ts'
import { consolePage } from '../pages/console-page.ts'
import { docsPage } from '../pages/docs-page.ts'
import { type Route, route } from '../route.ts'
import { type CapabilitiesDeps, capabilitiesRoute } from './capabilities.ts'
import { type Metrics, metricsRoute } from './metrics.ts'
import { type ReadinessDeps, readinessRoute } from './readiness.ts'

export interface OperationsDeps extends CapabilitiesDeps, ReadinessDeps {
  readonly version: string
  readonly publicUrl: string
  /** Without it there is no such route. */
  readonly metrics: Metrics | undefined
}

export function operationRoutes(deps: OperationsDeps, others: readonly Route[]): Route[] {
  const { version, publicUrl } = deps

  const livez = route(
    {
      method: 'get',
      path: '/livez',
      operationId: 'livez',
      tag: 'operations',
      summary: 'The process runs',
      scope: 'open',
      responses: { 200: { description: 'alive', json: z.object({ live: z.literal(true), version: z.string() }) } },
    },
    (c) => c.json({ live: true, version }),
  )

  const page = (path: string, operationId: string, summary: string, html: string) =>
    route(
      {
        method: 'get',
        path,
        operationId,
        tag: 'operations',
        summary,
        scope: 'open',
        responses: { 200: { description: 'a page', mediaType: 'text/html' } },
      },
      (c) =>
        c.html(html, 200, {
          'Content-Security-Policy':
            "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; img-src 'self' data:; form-action 'none'; frame-ancestors 'none'; base-uri 'none'",
          'X-Content-Type-Options': 'nosniff',
          'Referrer-Policy': 'no-referrer',
        }),
    )

  const described: Route[] = [
    ...others,
    livez,
    readinessRoute(deps),
    capabilitiesRoute(deps),
    ...(deps.metrics === undefined ? [] : [metricsRoute(deps.metrics)]),
    page('/docs', 'docs', 'The API, to read', docsPage),
    page('/', 'console', 'A console for people', consolePage),
  ]
  const openapi: Route = route(
    {
      method: 'get',
      path: '/openapi.json',
      operationId: 'openapi',
      tag: 'operations',
      summary: 'This API as OpenAPI 3.1',
      scope: 'open',
      responses: { 200: { description: 'OpenAPI 3.1', mediaType: 'application/json' } },
    },
    (c) => c.json(document()),
  )
  // Made at the first request and kept: on Workers the start of an isolate is on the clock.
  let made: Record<string, unknown> | undefined
  const document = () => {
    made ??= openApiDocument([...described, openapi], { version, serverUrl: publicUrl })
    return made
  }
  return [...described.slice(others.length), openapi]
}
