import type { Clock } from '../../ports/clock.ts'
import { StoreUnavailable } from '../../ports/errors.ts'
import type { CallOptions } from '../../ports/object-store.ts'
import { livenessOf } from './liveness.ts'
import type { NextLook } from './looks.ts'
import type { EveryProcess, ReadProcess } from './process-ledger.ts'
import type { ProcessId } from './process-state.ts'

export type ProcessChange =
  | { readonly kind: 'changed'; readonly process: ReadProcess }
  /** All that are there, so that who comes back knows what is not there any more. */
  | { readonly kind: 'present'; readonly ids: readonly string[] }
  | { readonly kind: 'deleted'; readonly id: ProcessId }
  /** Nothing can be seen now; what changes meanwhile comes later. */
  | { readonly kind: 'unavailable' }

/**
 * How far the clocks of instances and the store may be apart: what was changed so long before is told once more rather than
 * not at all. S3 itself serves nobody whose clock is farther off.
 */
const overlapMs = 15 * 60_000

/** What a follower would see change: the state, who holds it, and whether its worker still speaks. */
const faceOf = ({ state, etag, conflicts }: ReadProcess, nowMs: number): string =>
  [etag, livenessOf(state, nowMs), conflicts.length].join(' ')

async function lookOrUndefined<Seen>(
  next: NextLook<Seen>,
  { signal }: CallOptions,
): Promise<{ seen: Seen } | undefined> {
  try {
    return { seen: await next({ signal }) }
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof StoreUnavailable) return undefined
    throw error
  }
}

/**
 * What becomes of all processes from `sinceMs` on, a quarter of an hour before it included, after the ids of all that are
 * there: who then reads the list knows everything, and who comes back misses nothing. `nowMs` is the store's time. Each
 * process is told as it is, whole; of several changes between two looks the last. Ends with the signal's reason.
 */
export async function* processChanges(
  next: NextLook<EveryProcess>,
  { nowMs, sinceMs, signal }: CallOptions & { nowMs: () => number; sinceMs: number },
): AsyncGenerator<ProcessChange, never> {
  const faces = new Map<ProcessId, string>()
  let isFirst = true
  for (;;) {
    const looked = await lookOrUndefined(next, { signal })
    if (looked === undefined) {
      yield { kind: 'unavailable' }
      continue
    }
    const { processes, unreadable } = looked.seen
    // What cannot be read now is there.
    const there = new Set<string>([...processes.map(({ state }) => state.id), ...unreadable])
    if (isFirst) {
      yield { kind: 'present', ids: [...there].sort() }
      // One of them may be gone already, which who was told that it is there must hear.
      for (const id of unreadable) faces.set(id as ProcessId, '')
    }
    const atMs = nowMs()
    const changed = processes.filter((process) => faces.get(process.state.id) !== faceOf(process, atMs))
    for (const process of changed.sort((a, b) => a.state.updatedAt.localeCompare(b.state.updatedAt))) {
      faces.set(process.state.id, faceOf(process, atMs))
      const isNews = !isFirst || Date.parse(process.state.updatedAt) >= sinceMs - overlapMs
      if (isNews) yield { kind: 'changed', process }
    }
    for (const id of faces.keys()) {
      if (there.has(id)) continue
      faces.delete(id)
      yield { kind: 'deleted', id }
    }
    isFirst = false
  }
}

/**
 * What becomes of one process, beginning with what it is, unless that is the version `after` or older. Ends when it is
 * deleted. Versions never go back, whichever instance is asked.
 */
export async function* changesOfProcess(
  next: NextLook<ReadProcess | undefined>,
  { nowMs, id, after, signal }: CallOptions & { nowMs: () => number; id: ProcessId; after: number | undefined },
): AsyncGenerator<ProcessChange, void> {
  let version = after ?? 0
  let face: string | undefined
  for (;;) {
    const looked = await lookOrUndefined(next, { signal })
    if (looked === undefined) {
      yield { kind: 'unavailable' }
      continue
    }
    const process = looked.seen
    if (process === undefined) {
      yield { kind: 'deleted', id }
      return
    }
    const now = faceOf(process, nowMs())
    if (process.state.version < version || now === face) continue
    const isKnown = face === undefined && process.state.version === after
    face = now
    version = process.state.version
    if (!isKnown) yield { kind: 'changed', process }
  }
}

/** The process once it is another than `isKnown`, or as it is when the time is over. Costs one look each second. */
export async function awaitChange(
  next: NextLook<ReadProcess | undefined>,
  {
    clock,
    isKnown,
    waitMs,
    signal,
  }: CallOptions & { clock: Clock; isKnown: (process: ReadProcess) => boolean; waitMs: number },
): Promise<ReadProcess | undefined> {
  const answered = new AbortController()
  let isOver = false
  // A timer and not the time of day, which may be set back.
  clock.sleep(waitMs, AbortSignal.any([signal, answered.signal])).then(
    () => {
      isOver = true
    },
    () => {},
  )
  try {
    for (;;) {
      const process = await next({ signal })
      if (process === undefined || !isKnown(process) || isOver) return process
    }
  } finally {
    answered.abort()
  }
}
