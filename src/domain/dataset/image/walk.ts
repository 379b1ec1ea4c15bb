import { FileRejected } from '../rejection.ts'

/** Stored pixels, before any rotation that metadata may ask for. */
export interface Dimensions {
  readonly width: number
  readonly height: number
}

/**
 * Looks for the end of something in `chunk` from `start`. The offset behind that end, or -1 when it lies in a later chunk;
 * what must be remembered until then is its own business.
 */
export type Search = (chunk: Uint8Array, start: number) => number

/** What a walk asks for next. `take` is a handful of bytes; everything longer is passed over unseen. */
export type Need = { readonly take: number } | { readonly skip: number } | { readonly search: Search }

/**
 * Follows the structure of one format from its first byte to its end, and returns there. Resumed with the bytes taken, or
 * with an empty view. Throws `FileRejected` when the structure is broken.
 */
export type Walk = Generator<Need, void, DataView>

/** Called by a walk once, as soon as it knows the dimensions. */
export type Found = (size: Dimensions) => void

export interface Walker {
  /** Whether the end of the format was seen. */
  readonly ended: boolean
  /** Any split of the file into chunks gives the same result. Keeps none of the bytes. */
  push(chunk: Uint8Array): void
}

const nothing = new DataView(new ArrayBuffer(0))

/** Runs a walk over bytes as they come. Costs constant memory, and time only where the walk looks. */
export function createWalker(walk: Walk): Walker {
  let step = walk.next()
  let taken = new Uint8Array(0)
  /** Of the present need: bytes taken or skipped so far. */
  let progress = 0

  const advance = (view: DataView) => {
    progress = 0
    step = walk.next(view)
  }

  return {
    get ended() {
      return step.done === true
    },
    push(chunk) {
      let at = 0
      while (step.done !== true) {
        const need = step.value
        if ('search' in need) {
          const behind = at < chunk.length ? need.search(chunk, at) : -1
          if (behind === -1) return
          at = behind
          advance(nothing)
          continue
        }
        const wanted = 'take' in need ? need.take : need.skip
        const length = Math.min(wanted - progress, chunk.length - at)
        if ('take' in need) {
          if (progress === 0) taken = new Uint8Array(wanted)
          taken.set(chunk.subarray(at, at + length), progress)
        }
        at += length
        progress += length
        if (progress < wanted) return
        advance('take' in need ? new DataView(taken.buffer) : nothing)
      }
    },
  }
}

/** For a walk to throw: the bytes contradict the format. */
export function unreadable(format: string, fault: string): FileRejected {
  return new FileRejected('image-unreadable', `not a readable ${format}: ${fault}`)
}
