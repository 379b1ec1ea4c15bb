import { checkAbsence } from './check-absence.ts'
import { checkAgreement } from './check-agreement.ts'
import { checkEffects } from './check-effects.ts'
import { checkHolders } from './check-holders.ts'
import { checkOrder } from './check-order.ts'
import { checkSeries } from './check-series.ts'
import type { Call, Violation } from './history.ts'

export type Sync = 'cas' | 'merge'

/** Answers that are right whatever is asked; everything else is told as a violation. */
const expected = new Set([200, 201, 204, 304, 404, 409, 412, 503])

/**
 * What clients can know to be wrong from their answers alone, without a look into the store. `calls` in the order in which
 * they returned; those of `finalReader` are made when all is quiet. Costs a sort, and little more than one pass.
 */
export function checkHistory(calls: readonly Call[], sync: Sync): Violation[] {
  const violations: Violation[] = []
  const say = (invariant: string, id: string, detail: string) => violations.push({ invariant, id, detail })
  const byId = Map.groupBy(
    calls.filter(({ id }) => id !== ''),
    ({ id }) => id,
  )
  for (const { verb, id, httpStatus, code, seen, client } of calls) {
    // What needs a decision is refused where nobody can take one.
    const isRefusedWell = httpStatus === 501 && sync === 'merge' && (verb === 'takeover' || verb === 'retry')
    if (httpStatus !== undefined && !expected.has(httpStatus) && !isRefusedWell) {
      say('status', id, `${verb} of ${client} was answered ${httpStatus} ${code ?? ''}`)
    }
    if (seen?.sync !== undefined && seen.sync !== sync) say('status', id, `${client} was told ${seen.sync}`)
  }
  checkOrder(calls, sync, say)
  checkAbsence(calls, byId, say)
  checkHolders(byId, sync, say)
  checkEffects(calls, byId, sync, say)
  checkSeries(byId, say)
  checkAgreement(calls, say)
  return violations
}
