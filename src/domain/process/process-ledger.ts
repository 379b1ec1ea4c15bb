import type { CallOptions, ETag } from '../../ports/object-store.ts'
import type { MetricPoint } from './metric-point.ts'
import type { ProcessOperation } from './operation.ts'
import type { ProcessId, ProcessState } from './process-state.ts'

/**
 * How several writers of a process agree. `cas`: the store decides between them. `merge`: it cannot, so that each writes
 * objects of its own that are joined on reading; see `merge/`.
 */
export type Sync = 'cas' | 'merge'

/** Several workers that were all told that they hold one attempt. Only where the store, or one instance of us, could not decide. */
export interface HolderConflict {
  readonly attempt: number
  /** The first is the one whose progress is shown. */
  readonly workers: readonly string[]
  /** Since when. Two who meet step back within seconds, so that a young conflict may go away. */
  readonly since: string
}

export interface ReadProcess {
  readonly state: ProcessState
  /** Names what `state` was made of: equal as long as nothing has changed, on every instance. */
  readonly etag: ETag
  readonly sync: Sync
  /** Empty with `cas`, unless another instance merges, or did. */
  readonly conflicts: readonly HolderConflict[]
}

/** `repeated`: the operation had been applied before; `state` is what it finds now. */
export interface AppliedOperation extends ReadProcess {
  readonly repeated: boolean
}

export interface SeriesRequest {
  /** Points of reports behind this `seq`. */
  readonly after: number
  /** Default: the present one. */
  readonly attempt: number | undefined
  /** A page may be longer by the points of its last report, which are never torn apart. */
  readonly limit: number
}

export interface EveryProcess {
  /** In no order. */
  readonly processes: readonly ReadProcess[]
  /** Ids of processes that are there and could not be read now; never silently left out. */
  readonly unreadable: readonly string[]
}

/**
 * Where the states of all processes are kept, however the writers agree. Every instance sees the same: nothing is
 * answered from memory that the store has not confirmed.
 */
export interface ProcessLedger {
  /** The clock by which the store dates what it keeps, and by which silence is measured; ours until it has answered. */
  nowMs(): number

  /** What can be promised now. A store may be seen to do less than before. */
  sync(options: CallOptions): Promise<Sync>

  /** `undefined` when there is no such process, or it was deleted. A store that fails is an error, never an absence. */
  read(id: ProcessId, options: CallOptions): Promise<ReadProcess | undefined>

  /**
   * Costs one LIST per 1,000 objects of state, and one GET for each that changed since this ledger last saw it; now and then
   * one request more, that bundles or removes what is over.
   */
  readAll(options: CallOptions): Promise<EveryProcess>

  /** A page of what an attempt measured, by `seq`; `undefined` when there is no such process. See `readSeries`. */
  series(id: ProcessId, request: SeriesRequest, options: CallOptions): Promise<readonly MetricPoint[] | undefined>

  /** Notes that the worker of `attempt` lives. Advisory: the last wins, one that is lost is made up for by the next. */
  beat(id: ProcessId, attempt: number, options: CallOptions): Promise<void>

  /**
   * Does `operation` as the state machine has it, once, however often it is sent. Throws the refusal of the state machine;
   * `UnsupportedByStore` for what needs a store that decides; `StoreUnavailable` when the outcome stays unknown: the same
   * operation may then be sent again.
   */
  apply(id: ProcessId, operation: ProcessOperation, options: CallOptions): Promise<AppliedOperation>
}

/** What differs between the two ways to agree. */
export type LedgerWay = Pick<ProcessLedger, 'read' | 'readAll' | 'apply'>
