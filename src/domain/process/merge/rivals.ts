import type { StoredProcess } from '../process-reader.ts'
import { liveEvents } from './join.ts'
import type { ProcessEvent } from './process-event.ts'

/**
 * Whether somebody else did, at the same time, what only one can do. Asked after `event` was written, by everybody who
 * writes one: of two that meet, the one who looks last sees the other, so that never both believe that they are alone,
 * as far as the store lists what is there. Whoever sees another steps back.
 */
export function hasRival(
  event: ProcessEvent,
  { document, events }: Pick<StoredProcess, 'document' | 'events'>,
): boolean {
  const others = liveEvents(events).filter(({ operationId }) => operationId !== event.operationId)
  switch (event.kind) {
    case 'create':
      return others.some(({ kind }) => kind === 'create')
    case 'claim': {
      const state = document?.state
      if (state !== undefined && state.attempt > event.attempt) return true
      const isQueued = state === undefined || state.attempt < event.attempt || state.status === 'queued'
      if (!isQueued && state.worker !== event.worker) return true
      return others.some(({ kind, attempt }) => (kind === 'claim' || kind === 'cancel') && attempt === event.attempt)
    }
    case 'retry':
      return others.some(({ kind }) => kind === 'delete')
    case 'delete':
      return others.some((other) => other.kind === 'retry' && other.attempt > event.attempt)
    default:
      return false
  }
}
