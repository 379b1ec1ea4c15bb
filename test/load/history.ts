export type Verb =
  | 'create'
  | 'claim'
  | 'takeover'
  | 'report'
  | 'beat'
  | 'cancel'
  | 'retry'
  | 'delete'
  | 'read'
  | 'wait'
  | 'follow'
  | 'list'
  | 'series'

/** What an answer said of a process. The answer to a report says less than a process does. */
export interface Seen {
  readonly version: number
  readonly attempt?: number
  readonly worker?: string | null
  readonly status?: string
  readonly liveness?: string
  readonly cancelRequested?: boolean
  /** Workers of this load report the `seq` of a report as its step. */
  readonly step?: number
  readonly sync?: string
  /** Of all attempts that several workers were told they hold. */
  readonly rivals?: readonly string[]
}

/**
 * One call, as its client knows it. `unknown` stays open for ever: it may have taken effect, and may still. Times are
 * those of the one clock of all clients, in milliseconds. An event of a stream is a call that began with the stream.
 */
export interface Call {
  readonly client: string
  readonly instance: number
  readonly verb: Verb
  /** Empty where the call is about no process in particular. */
  readonly id: string
  /** What makes a repetition the same operation; empty for reads. */
  readonly operationId: string
  readonly invokedMs: number
  readonly returnedMs: number
  readonly result: 'applied' | 'duplicate' | 'rejected' | 'unknown' | 'read' | 'absent'
  readonly httpStatus?: number
  /** The code of a refusal. */
  readonly code?: string
  readonly seen?: Seen | undefined
  readonly worker?: string
  readonly attempt?: number
  readonly seq?: number
  /** Of a list: every process in it. */
  readonly listed?: Readonly<Record<string, Seen>>
  /** Of the beginning of a stream of all: the processes that are there, and those that could not be read. */
  readonly ids?: readonly string[]
  /** Of a series: the numbers of the reports whose points it has, in its order. */
  readonly seqs?: readonly number[]
}

export interface Violation {
  /** I1 to I15 as the simulation names them; `status` for an answer that no client should ever get. */
  readonly invariant: string
  readonly id: string
  readonly detail: string
}

export type Say = (invariant: string, id: string, detail: string) => void

/** The name that the clients which look at the end, when all is quiet, begin with. */
export const finalReader = 'final'

export const isFinalStatus = (status: string | undefined): boolean =>
  status === 'completed' || status === 'failed' || status === 'cancelled'

/** One record a line, for other checkers. */
export function jsonLines(calls: readonly Call[]): string {
  return calls.map((call) => `${JSON.stringify(call)}\n`).join('')
}
