import type { ResilienceSettings } from '../../../src/adapters/resilience/settings.ts'
import type { Fault, Which } from '../fake-s3/fault.ts'
import type { ProfileName, Quirks } from '../fake-s3/profiles.ts'
import type { Aim, Toxic } from '../proxy/toxics.ts'
import { retriesMax } from './limits.ts'
import type { OperationName, Performed, Work } from './operations.ts'
import type { Rig } from './rig.ts'

/**
 * `done`: as if nothing had happened. `unavailable`: 503 with Retry-After. `reset`: an answer that begins and does not end.
 * `broken`: that, or an error. `left`: nobody heard the answer. A number: that status.
 */
export type Expected = 'done' | 'unavailable' | 'reset' | 'broken' | 'left' | number | readonly Expected[]

export interface Cell {
  /** Of the table in §2 of our notes on reliability. */
  readonly row: number
  readonly fault: string
  readonly operation: OperationName
  readonly expected: Expected
  /** In place of what the operation usually does. */
  readonly work?: Work
  readonly profile?: ProfileName
  readonly quirks?: Partial<Quirks>
  readonly settings?: Partial<ResilienceSettings>
  /** The service finds the store by a name, and not by an address. */
  readonly byName?: true
  readonly clockOffMs?: number
  /** Before the work is prepared; what is spoiled then must leave preparing alone. */
  readonly before?: (rig: Rig, work: Work) => void | Promise<void>
  /** Spoils what comes next. */
  readonly spoil: (rig: Rig, work: Work) => void | Promise<void>
  /** Beyond the invariants, which are looked at again after it as far as they are no matter of one answer. */
  readonly also?: (rig: Rig, performed: Performed) => void | Promise<void>
  /** Bytes of the answer are wrong before it breaks. */
  readonly damaged?: true
  /** How many of the spoiled requests there may be. Default: as many as retries allow. */
  readonly requestsMax?: number
}

export const everyWork: readonly OperationName[] = ['put', 'parts', 'complete', 'get', 'zip', 'list', 'state']
export const writes: readonly OperationName[] = ['put', 'parts', 'complete', 'state']

/** Which requests of its kind are the first so many that are spoiled. */
export function spoiled(times: number | 'every' = 1): Extract<Which, (nth: number) => boolean> {
  return (nth) => times === 'every' || nth <= times
}

/** The first so many spoiled requests of the work meet this fault of the server. */
export const meets =
  (fault: Fault, times: number | 'every' = 1) =>
  (rig: Rig, work: Work): void => {
    rig.fake.inject(work.target, spoiled(times), fault)
  }

/** The first spoiled request of the work, or its answer, meets this on the line. */
export const passes =
  (direction: Aim['direction'], toxic: Toxic, times: number | 'every' = 1) =>
  (rig: Rig, work: Work): void => {
    rig.proxy.add({ direction, operation: work.target, which: spoiled(times) }, toxic)
  }

/** Cells that differ in nothing but the operation. */
export const cellsFor = (operations: readonly OperationName[], cell: Omit<Cell, 'operation'>): Cell[] =>
  operations.map((operation) => ({ ...cell, operation }))

/** In cells in which the store does the work: it joins once, whatever becomes of its answer. */
export const joinedOnce = (cells: readonly Cell[]): Cell[] =>
  cells.map((cell) => (cell.operation === 'complete' ? { ...cell, requestsMax: 1 } : cell))

/** Bodies are opened again as often as they fail with progress, so that reads have their own bound. */
export function requestsMaxOf(cell: Cell, work: Work): number {
  if (cell.requestsMax !== undefined) return cell.requestsMax
  const { requests } = work
  const attempts = requests * (1 + retriesMax)
  // State is tried again by its own loop, round after round, each with its own request.
  if (cell.operation === 'state') return attempts * 4
  return work.target === 'GetObject' ? attempts * 3 : attempts
}
