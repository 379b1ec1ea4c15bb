import type { Clock } from '../../ports/clock.ts'
import type { Ids } from '../../ports/ids.ts'
import type { ProcessLedger } from './process-ledger.ts'

export interface ProcessDeps {
  readonly ledger: ProcessLedger
  readonly clock: Clock
  readonly ids: Ids
}
