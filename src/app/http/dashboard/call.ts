import type { AppContext } from '../context.ts'

/** One call of the dashboard: a path as Hono writes it, and what answers it. What `answer` throws is told as a message. */
export interface DashboardCall {
  readonly method: 'GET' | 'POST' | 'DELETE'
  readonly path: string
  readonly answer: (c: AppContext) => Response | Promise<Response>
}
