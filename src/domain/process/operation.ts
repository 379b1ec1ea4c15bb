import type { ProcessFailure, ProcessId, ProcessStatus, ProcessType } from './process-state.ts'

interface Common {
  /** Fixed once per operation, outside of every retry: the same id never has a second effect. */
  readonly operationId: string
  /** New for every operation; becomes the `writeId` of the version that it makes. */
  readonly writeId: string
  /** ISO 8601, fixed once per operation. */
  readonly at: string
}

export interface CreateOperation extends Common {
  readonly kind: 'create'
  readonly id: ProcessId
  readonly type: ProcessType
  readonly name: string
  readonly dataset: string | null
  readonly config: Readonly<Record<string, unknown>>
  /** As planned; what the worker says later counts. Absent where nobody knows. */
  readonly totalSteps?: number
}

export interface ClaimOperation extends Common {
  readonly kind: 'claim'
  readonly worker: string
}

/** What was seen when a worker was taken for lost. If it has spoken since, it is not. */
export interface SeenAttempt {
  readonly attempt: number
  readonly lastSeq: number
}

/** Opens the next attempt of a process whose worker was seen to be lost. */
export interface TakeoverOperation extends Common {
  readonly kind: 'takeover'
  readonly worker: string
  readonly seen: SeenAttempt
}

export interface ReportOperation extends Common {
  readonly kind: 'report'
  readonly worker: string
  readonly attempt: number
  readonly seq: number
  readonly status: Exclude<ProcessStatus, 'queued'> | undefined
  readonly step: number | undefined
  readonly totalSteps: number | undefined
  readonly metrics: Readonly<Record<string, number>> | undefined
  /** What was measured since the last report, step by step, when that is more than `metrics`. */
  readonly points:
    | readonly { readonly step: number; readonly metrics: Readonly<Record<string, number>>; readonly at?: string }[]
    | undefined
  readonly message: string | undefined
  readonly error: ProcessFailure | undefined
  readonly expectNextInSeconds: number | undefined
}

export interface CancelOperation extends Common {
  readonly kind: 'cancel'
}

/** Queues a new attempt. `lost` is the one that the caller saw derived as lost, if it was. */
export interface RetryOperation extends Common {
  readonly kind: 'retry'
  readonly lost: SeenAttempt | undefined
}

/** Leaves a mark in the place of the state, so that nothing which is still on its way can bring the process back. */
export interface DeleteOperation extends Common {
  readonly kind: 'delete'
}

export type ProcessOperation =
  | CreateOperation
  | ClaimOperation
  | TakeoverOperation
  | ReportOperation
  | CancelOperation
  | RetryOperation
  | DeleteOperation
