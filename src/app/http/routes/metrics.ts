import { type Route, route } from '../route.ts'

export interface Metrics {
  text(): Promise<string>
  readonly contentType: string
}

export const metricsRoute = ({ text, contentType }: Metrics): Route =>
  route(
    {
      method: 'get',
      path: '/metrics',
      operationId: 'getMetrics',
      tag: 'operations',
      summary: 'Counters and gauges for Prometheus',
      scope: 'admin',
      responses: { 200: { description: 'Prometheus text', mediaType: 'text/plain' } },
    },
    async (c) => c.body(await text(), 200, { 'Content-Type': contentType, 'Cache-Control': 'no-store' }),
  )
