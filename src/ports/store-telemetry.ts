/** Calls that fail together: bodies in either direction, small requests about one object, listings. */
export type CallClass = 'data' | 'meta' | 'list'

/**
 * How one attempt ended. `answered`: with what was asked for, or with an expected answer such as "absent" or "rejected".
 * `throttled`: the store asked for fewer calls. `damaged`: this request was slow, damaged on its way or wrongly dated.
 * `failed`: no answer, or one that speaks against the store. `refused`: denied, or an answer that makes no sense. `left`:
 * the caller went away.
 */
export type AttemptResult = 'answered' | 'throttled' | 'damaged' | 'failed' | 'refused' | 'left'

interface AboutCall {
  readonly group: CallClass
  /** The method of the port, such as `putPart`. */
  readonly operation: string
}

/** What the guard around a store does, as it happens. Never a key, a bucket, an endpoint or a body. */
export type StoreEvent =
  | (AboutCall & {
      readonly event: 'attempt'
      /** From 1. */
      readonly attempt: number
      readonly result: AttemptResult
      readonly durationMs: number
    })
  | (AboutCall & {
      readonly event: 'retry'
      /** From 1. */
      readonly retry: number
      readonly waitMs: number
      readonly effect: 'never-sent' | 'maybe-sent'
      readonly message: string
      /** What is left of the retry budget. */
      readonly budget: number
    })
  /** It would have been tried again, but too much has failed lately. */
  | (AboutCall & { readonly event: 'retry-denied'; readonly budget: number })
  /** It got a place after others had to make room. */
  | (AboutCall & { readonly event: 'queued'; readonly waitedMs: number; readonly waiting: number })
  | {
      readonly event: 'circuit'
      readonly group: CallClass
      readonly circuit: 'closed' | 'open' | 'half-open'
      readonly retryAfterMs: number
    }
  /** A body broke off, stood still or was too slow. `resumed`: it goes on from the same byte over a new request. */
  | {
      readonly event: 'body-failed'
      readonly resumed: boolean
      readonly deliveredBytes: number
      readonly message: string
    }
  /** An answer was lost or not to be believed, and we looked. `open`: the look did not decide it. */
  | (AboutCall & { readonly event: 'settled'; readonly verdict: 'landed' | 'lost' | 'open' })

/** Must not throw, and must return at once: it is called in the middle of every call. */
export type StoreTelemetry = (event: StoreEvent) => void

export interface QueueHealth {
  readonly running: number
  readonly waiting: number
  /** How many may run at once now: fewer than set while the store throttles. */
  readonly places: number
}

export interface ClassHealth extends QueueHealth {
  readonly circuit: 'closed' | 'open' | 'half-open'
  /** How long calls will still be refused. 0 when they are not. */
  readonly retryAfterMs: number
}

/** How the guard around one store stands, in this process or isolate. */
export interface StoreHealth extends Readonly<Record<CallClass, ClassHealth>> {
  /** Parts of uploads have the circuit of `data`, and places of their own. */
  readonly parts: QueueHealth
  /** Points that are left for retries. */
  readonly retryBudget: number
}
