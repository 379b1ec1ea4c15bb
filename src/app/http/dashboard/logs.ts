import { NotFound } from '../../../domain/errors.ts'
import { type LogType, logTypes, type RecentLines } from '../../../ports/recent-lines.ts'
import type { DashboardCall } from './call.ts'

/** The last lines that this instance has logged; others have theirs. */
export function logCalls(recent: RecentLines): DashboardCall[] {
  return [
    {
      method: 'GET',
      path: '/logs/tail/:type',
      answer(c) {
        const type = knownType(c.req.param('type'))
        const asked = c.req.query('lines') ?? ''
        const lines = recent.tail(type, /^\d{1,9}$/.test(asked) ? Number(asked) : undefined)
        // Shown in place of lines, where there are none.
        const message = lines.length === 0 ? 'Nothing was logged yet.' : `${lines.length} lines.`
        return c.json({ success: true, data: { type, lines, message }, message })
      },
    },
    {
      method: 'GET',
      path: '/logs/stats',
      answer(c) {
        const files = recent.statistics().map(({ type, lines, sizeBytes, modifiedAt }) => {
          return { name: type, lines, size: sizeBytes, modified: modifiedAt.toISOString() }
        })
        return c.json({ success: true, data: { files } })
      },
    },
    {
      method: 'DELETE',
      path: '/logs/:type',
      answer(c) {
        const type = knownType(c.req.param('type'))
        recent.clear(type)
        return c.json({ success: true, message: `The log of ${type} is empty.` })
      },
    },
  ]
}

function knownType(given: string | undefined): LogType {
  const type = logTypes.find((one) => one === given)
  if (type === undefined) throw new NotFound(`there is no such log; there are ${logTypes.join(', ')}`)
  return type
}
