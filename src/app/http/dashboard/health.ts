import type { CheckStores } from '../routes/readiness.ts'
import type { DashboardCall } from './call.ts'

/** Looks at the stores as `/readyz` does, and no oftener. */
export function healthCalls({ checkStores }: { checkStores: CheckStores }): DashboardCall[] {
  return [
    {
      method: 'GET',
      path: '/health',
      async answer(c) {
        const { ok, sync } = await checkStores(c.var.signal)
        const services = {
          api: 'healthy',
          storage: ok ? 'healthy' : 'unhealthy',
          processes: sync === null ? 'unhealthy' : 'healthy',
        }
        if (ok) {
          const data = { status: 'healthy', services }
          return c.json({ success: true, data, message: 'The service and its store are there.' })
        }
        const data = { status: 'unhealthy', services }
        const message = 'The store does not answer, or does not do what STATE_CAS requires.'
        return c.json({ success: false, data, message }, 503, { 'Retry-After': '2' })
      },
    },
  ]
}
