import type { Operation } from './request.ts'

export interface FaultAnswer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

type When = 'before-commit' | 'after-commit'

/** `before-commit`: nothing is changed; `after-commit`: the work is done and then the answer is what the fault says. */
export type Fault =
  | { readonly when: When; readonly answer: FaultAnswer }
  /** Once the request was read and before any byte of the answer. */
  | { readonly when: When; readonly drop: 'reset' | 'close' }
  /** No answer, until the client leaves or the server is stopped. */
  | { readonly when: When; readonly hang: true }
  | { readonly delayMs: number }
  | { readonly body: BodyFault }
  /** One byte of what the client sent is another one when it arrives; the first byte is 0. */
  | { readonly received: { readonly flipByteAt: number } }
  | { readonly commitLater: { readonly ms: number }; readonly answer: FaultAnswer }
  /** Answers as if it were done, and changes nothing. */
  | { readonly loses: true }

/** An honest head and a body that is not. Answers whose body has no such byte are left whole. */
export type BodyFault =
  | {
      /** So many bytes of the body are sent; as a share of its length: from 0 up to, but without, 1. */
      readonly cutAt: number | { readonly share: number }
      readonly how: 'reset' | 'close' | 'stall'
      /** No Content-Length, and the end of the connection is the end of the body. */
      readonly lengthless?: boolean
    }
  | { readonly flipByteAt: number }
  /** Whole, in chunks of HTTP/1.1, and so without a Content-Length. */
  | { readonly chunked: true }

/** Which of the requests since `inject`, counted from 1. */
export type Which = number | number[] | 'every' | ((nth: number) => boolean)

export interface Injections {
  /** Returns a way to take it back. */
  inject(operation: Operation | 'any', which: Which, fault: Fault): () => void
  /** The fault for one more request of that operation: that of the injection that was made first. */
  next(operation: Operation): Fault | undefined
}

export function createInjections(): Injections {
  const injections = new Set<{
    operation: Operation | 'any'
    meets: (nth: number) => boolean
    fault: Fault
    seen: number
  }>()
  return {
    inject(operation, which, fault) {
      const injection = { operation, meets: predicate(which), fault, seen: 0 }
      injections.add(injection)
      return () => {
        injections.delete(injection)
      }
    },
    next(operation) {
      let first: Fault | undefined
      for (const injection of injections) {
        if (injection.operation !== 'any' && injection.operation !== operation) continue
        injection.seen += 1
        if (injection.meets(injection.seen)) first ??= injection.fault
      }
      return first
    },
  }
}

function predicate(which: Which): (nth: number) => boolean {
  if (which === 'every') return () => true
  if (typeof which === 'function') return which
  const wanted = new Set(Array.isArray(which) ? which : [which])
  return (nth) => wanted.has(nth)
}
