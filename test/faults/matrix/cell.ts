import type { Fault } from '../fake-s3/fault.ts'
import type { ProfileName, Quirks } from '../fake-s3/profiles.ts'
import { retriesMax } from './limits.ts'
import type { OperationName, Performed, Work } from './operations.ts'
import type { Rig } from './rig.ts'

/**
 * `done`: as if nothing had happened. `unavailable`: 503 with Retry-After. `broken`: an answer that begins and does not end,
 * or an error. A number: that status.
 */
export type Expected = 'done' | 'unavailable' | 'broken' | number | readonly Expected[]

export interface Cell {
  /** Of the table in §2 of our notes on reliability. */
  readonly row: number
  readonly fault: string
  readonly operation: OperationName
  readonly expected: Expected
  readonly profile?: ProfileName
  readonly quirks?: Partial<Quirks>
  /** The service finds the store by a name, and not by an address. */
  readonly byName?: true
  readonly clockOffMs?: number
  /** Before the work is prepared; what is spoiled then must leave preparing alone. */
  readonly before?: (rig: Rig, work: Work) => void | Promise<void>
  /** Spoils what comes next. */
  readonly spoil: (rig: Rig, work: Work) => void | Promise<void>
  /** Beyond the invariants. */
  readonly also?: (rig: Rig, performed: Performed) => void | Promise<void>
  /** Bytes of the answer are wrong before it breaks. */
  readonly damaged?: true
  /** How many of the spoiled requests there may be. Default: as many as retries allow. */
  readonly requestsMax?: number
}

export const everyWork: readonly OperationName[] = ['put', 'parts', 'complete', 'get', 'zip', 'list', 'state']
export const writes: readonly OperationName[] = ['put', 'parts', 'complete', 'state']

/** The spoiled request of the work meets this fault of the server, the first so many times. */
export const meets =
  (fault: Fault, times: number | 'every' = 1) =>
  (rig: Rig, { target }: Work): void => {
    rig.fake.inject(target, times === 'every' ? 'every' : Array.from({ length: times }, (_, i) => i + 1), fault)
  }

/** Cells that differ in nothing but the operation. */
export const cellsFor = (operations: readonly OperationName[], cell: Omit<Cell, 'operation'>): Cell[] =>
  operations.map((operation) => ({ ...cell, operation }))

/** Bodies are opened again as often as they fail with progress, so that reads have their own bound. */
export function requestsMaxOf(cell: Cell, work: Work): number {
  if (cell.requestsMax !== undefined) return cell.requestsMax
  const attempts = work.requests * (1 + retriesMax)
  // State is tried again by its own loop, round after round, each with its own request.
  if (cell.operation === 'state') return attempts * 4
  return work.target === 'GetObject' ? attempts * 3 : attempts
}
