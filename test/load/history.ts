/** What a call changes, or `read`. */
export type CallKind = 'create' | 'claim' | 'report' | 'cancel' | 'retry' | 'delete' | 'read' | 'list'

/**
 * One call of a client, repeated until its outcome is known or given up. `done`: 2xx. `refused`: 4xx or 501, which changes
 * nothing. `unknown`: nobody answered for sure, it may have happened, or may still.
 */
export interface Call {
  readonly kind: CallKind
  readonly client: string
  /** The process; empty where a claim of any has found none. */
  readonly id: string
  /** In milliseconds of one clock for all clients: when it was first sent, and when its outcome was there. */
  readonly invokedMs: number
  readonly returnedMs: number
  readonly outcome: 'done' | 'refused' | 'unknown'
  readonly status: number
  readonly attempt?: number
  readonly worker?: string
  readonly step?: number
  readonly duplicate?: boolean
  /** A report that ends the attempt. */
  readonly ends?: string
  /** What the answer shows. */
  readonly shown?: Shown
}

/** A process as an answer shows it; reports show the version alone. */
export interface Shown {
  readonly version: number
  readonly status?: string
  readonly attempt?: number
  readonly worker?: string | null
  readonly step?: number
  readonly conflicts?: readonly { readonly attempt: number; readonly workers: readonly string[] }[]
}

export const jsonLines = (calls: readonly Call[]): string => calls.map((call) => `${JSON.stringify(call)}\n`).join('')
