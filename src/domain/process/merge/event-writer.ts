import { StoreUnavailable } from '../../../ports/errors.ts'
import type { CallOptions } from '../../../ports/object-store.ts'
import { type LedgerDeps, pauseMs, roundsMax } from '../ledger-deps.ts'
import type { ProcessId } from '../process-state.ts'
import { encodeEvent, eventKey, type ProcessEvent } from './process-event.ts'

export type EventWriter = ReturnType<typeof createEventWriter>

/** Writes events, and what becomes of them. Whatever it writes of one event is the same whoever writes it, and how often. */
export function createEventWriter({ store, reader, digests, clock, ids }: LedgerDeps) {
  /** Repeats the same bytes under a name of their own until they are there: once is as good as often. */
  const append = async (id: ProcessId, event: ProcessEvent, giveUpAtMs: number, { signal }: CallOptions) => {
    const body = encodeEvent(event, digests)
    for (let round = 0; ; round++) {
      const written = await store.put(eventKey(id, event), body, {
        contentType: 'application/json',
        when: 'always',
        signal,
      })
      if (written.outcome === 'applied') return reader.remember(id, event)
      if (clock.nowMs() >= giveUpAtMs || round >= roundsMax) {
        const cause = written.outcome === 'unknown' ? written.cause : undefined
        throw new StoreUnavailable('the event could not be written in time', { cause })
      }
      await clock.sleep(pauseMs(round, ids), signal)
    }
  }

  return {
    append,

    /** Named and dated by what they speak of, so that they too are written once. */
    async withdraw(id: ProcessId, event: ProcessEvent, giveUpAtMs: number, options: CallOptions) {
      const { writeId, attempt, at } = event
      const name = `${writeId}-withdrawn`
      const taken = { kind: 'withdraw', withdrawn: writeId, operationId: name, writeId: name, attempt, at } as const
      await append(id, taken, giveUpAtMs, options)
    },

    /** Before its writer is told: who is interrupted in between looks again when he is asked again. */
    async confirm(id: ProcessId, event: ProcessEvent, giveUpAtMs: number, options: CallOptions): Promise<ProcessEvent> {
      const { operationId, writeId, attempt, at } = event
      const common = { operationId, attempt, at, writeId: `${writeId}-confirmed` }
      const confirmed = { kind: 'confirm', confirmed: writeId, ...common } as const
      await append(id, confirmed, giveUpAtMs, options)
      return confirmed
    },
  }
}
