import type { Operation } from '../fake-s3/request.ts'
import type { Message } from './http-framing.ts'

/**
 * A place in one request or answer: so many bytes of it have passed. `message` counts from its first byte, `body` from
 * the first of its body; below zero it counts from the end, which must be announced then.
 */
export type Place = { readonly message: number } | { readonly body: number }

export type Toxic =
  /** Before the first byte, and more by up to `jitterMs`. */
  | { readonly toxic: 'latency'; readonly delayMs: number; readonly jitterMs?: number }
  /** Both sides are reset when so many bytes have passed. */
  | { readonly toxic: 'reset'; readonly at: Place }
  /** Both sides are closed in good form when so many bytes have passed. */
  | { readonly toxic: 'close'; readonly at: Place }
  /** Nothing passes any more, in this direction; ends when somebody leaves. */
  | { readonly toxic: 'stall'; readonly at: Place }
  | { readonly toxic: 'slicer'; readonly pieceBytes: number; readonly delayMs: number }
  | { readonly toxic: 'bandwidth'; readonly bytesPerSecond: number }
  /** The sender's end of the connection is passed on so much later. */
  | { readonly toxic: 'slow-close'; readonly delayMs: number }
  /** The lowest bit of the byte at that place is turned over. */
  | { readonly toxic: 'flip'; readonly at: Place }

/** Which requests: the n-th (from 1) since the toxic was added, or all. */
export type Which = number | readonly number[] | 'every' | ((nth: number) => boolean)

export interface Aim {
  /** `up`: what the client sends. `down`: what the origin answers. */
  readonly direction: 'up' | 'down'
  readonly operation: Operation | 'any'
  readonly which: Which
}

export function isAimedAt(which: Which, nth: number): boolean {
  if (which === 'every') return true
  if (typeof which === 'number') return which === nth
  return typeof which === 'function' ? which(nth) : which.includes(nth)
}

/** How many bytes of `message` come before `place`. Throws where it counts from an end that nobody knows. */
export function offsetOf(place: Place, { headBytes, sizeBytes }: Message): number {
  const [from, given] = 'message' in place ? [0, place.message] : [headBytes, place.body]
  if (given >= 0) return from + given
  if (sizeBytes === undefined) throw new Error('a place from the end needs a message of announced length')
  return Math.max(from, sizeBytes + given)
}
