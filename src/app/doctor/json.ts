import type { StoreUses } from '../../domain/doctor/summary.ts'
import type { ReportedStore } from './table.ts'

/** What was found, for programs: docs/doctor.md has its shape. What could not be found out is `null`, and never left out. */
export function reportJson(stores: readonly ReportedStore[], { processState, links, uploads }: StoreUses): string {
  const report = {
    stores: stores.map(({ holds, place, complete, capabilities, findings }) => ({
      holds,
      place,
      complete,
      capabilities: capabilities ?? null,
      findings,
    })),
    uses: { processState: processState ?? null, links: links ?? null, uploads: uploads ?? null },
  }
  return JSON.stringify(report, undefined, 2)
}
