export type Verb = 'create' | 'claim' | 'takeover' | 'report' | 'cancel' | 'retry' | 'delete' | 'beat' | 'read' | 'list'

/** What a process looked like to a client. */
export interface Seen {
  readonly version: number
  readonly status: string
  readonly attempt: number
  readonly worker: string | null
  readonly liveness: string
  readonly cancelRequested: boolean
}

/**
 * One call, as its client knows it. `unknown` stays open for ever: it may have taken effect, and may still. Times are those
 * of the world, and not of any node.
 */
export interface Call {
  readonly client: string
  readonly instance: number
  readonly verb: Verb
  readonly id: string
  /** What makes a repetition the same operation; empty for reads. */
  readonly operationId: string
  readonly invokedMs: number
  readonly returnedMs: number
  readonly result: 'applied' | 'duplicate' | 'rejected' | 'unknown' | 'read' | 'absent'
  /** The code of a refusal. */
  readonly code?: string
  readonly seen?: Seen
  readonly worker?: string
  readonly attempt?: number
  readonly seq?: number
}

export interface Violation {
  /** I1 to I16 of the invariants. */
  readonly invariant: string
  readonly id: string
  readonly detail: string
}

/** One record a line, for other checkers. */
export function jsonLines(calls: readonly Call[]): string {
  return calls.map((call) => `${JSON.stringify(call)}\n`).join('')
}
