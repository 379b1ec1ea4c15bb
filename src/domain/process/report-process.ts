import type { CallOptions } from '../../ports/object-store.ts'
import type { ReportOperation } from './operation.ts'
import type { ProcessDeps } from './process-deps.ts'
import type { AppliedOperation } from './process-ledger.ts'
import type { ProcessId } from './process-state.ts'

export type ProcessReport = Omit<ReportOperation, 'kind' | 'operationId' | 'writeId' | 'at'>

/**
 * What a worker says about its attempt. `repeated` for a report whose `seq` was applied before: it has no second effect.
 * The first report of a queued process claims it. Throws `Fenced` for an older attempt or another worker's.
 */
export async function reportProcess(
  deps: ProcessDeps,
  id: ProcessId,
  report: ProcessReport,
  { signal }: CallOptions,
): Promise<AppliedOperation> {
  const { ledger, clock, ids } = deps
  const at = new Date(clock.nowMs()).toISOString()
  const operationId = `report:${report.attempt}:${report.worker}:${report.seq}`
  return await ledger.apply(id, { ...report, kind: 'report', operationId, writeId: ids.next(), at }, { signal })
}
