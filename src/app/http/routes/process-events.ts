import * as z from 'zod'
import { NotFound } from '../../../domain/errors.ts'
import { changesOfProcess, type ProcessChange, processChanges } from '../../../domain/process/process-changes.ts'
import type { ProcessLedger } from '../../../domain/process/process-ledger.ts'
import type { ProcessLooks } from '../../../domain/process/process-looks.ts'
import { processId } from '../../../domain/process/process-state.ts'
import type { Clock } from '../../../ports/clock.ts'
import type { AppContext } from '../context.ts'
import { eventStream, type StreamItem } from '../event-stream.ts'
import { type Route, route } from '../route.ts'
import { parsed, problemResponse } from '../schemas/fields.ts'
import { type ProcessJson, processJson } from '../schemas/process.ts'

export interface ProcessEventsDeps {
  readonly ledger: Pick<ProcessLedger, 'read' | 'nowMs'>
  readonly looks: ProcessLooks
  readonly clock: Clock
  readonly streams: StreamLimits
}

export interface StreamLimits {
  /** Ends every stream: the service is about to end. `undefined` where services do not. */
  readonly ending: AbortSignal | undefined
  /** How long one stream may last. */
  readonly lastMs: number
}

const description = `\`event: process\` with the process as JSON, whole, whenever it has changed; \`event: process-deleted\` with its
\`id\`. Of several changes within a second the last is told. A comment comes at least every 15 s. A stream ends after some time, and
browsers reconnect by themselves with \`Last-Event-ID\`.`

const lastEventId = { 'Last-Event-ID': 'goes on after that event' }
const stream = { description: 'the events', mediaType: 'text/event-stream' }

export function processEventRoutes({ ledger, looks, clock, streams }: ProcessEventsDeps): Route[] {
  const nowMs = () => ledger.nowMs()
  const items = async function* (
    changes: AsyncGenerator<ProcessChange, void>,
    idOf: (process?: ProcessJson) => string | undefined,
  ): AsyncGenerator<StreamItem, void> {
    for await (const change of changes) {
      if (change.kind === 'unavailable') yield { comment: 'the store is not available' }
      else if (change.kind === 'present') yield { id: idOf(), type: 'processes', data: { ids: change.ids } }
      else if (change.kind === 'deleted') yield { id: undefined, type: 'process-deleted', data: { id: change.id } }
      else {
        const data = processJson(change.process, nowMs())
        yield { id: idOf(data), type: 'process', data }
      }
    }
  }

  const open = (
    c: AppContext,
    from: (signal: AbortSignal) => AsyncGenerator<ProcessChange, void>,
    idOf: (process?: ProcessJson) => string | undefined,
  ): Response => {
    const leaving = new AbortController()
    const ends = [leaving.signal, c.var.signal, AbortSignal.timeout(streams.lastMs)]
    const signal = AbortSignal.any(streams.ending === undefined ? ends : [...ends, streams.ending])
    return eventStream(items(from(signal), idOf), { clock, signal, leave: () => leaving.abort() })
  }

  const all = route(
    {
      method: 'get',
      path: '/v1/processes/events',
      operationId: 'followProcesses',
      tag: 'processes',
      summary: 'Follow all processes',
      description: `${description}

Begins with \`event: processes\` and the \`ids\` of all that are there, so that who comes back forgets the others, and with what has
changed in the quarter of an hour before. Open the stream first and read the list then: nothing is missed in between.`,
      scope: 'read',
      headers: lastEventId,
      responses: { 200: stream },
    },
    (c) => {
      const last = Date.parse(c.req.header('last-event-id') ?? '')
      const sinceMs = Number.isNaN(last) ? nowMs() : last
      return open(
        c,
        (signal) => processChanges(looks.all(), { nowMs, sinceMs, signal }),
        () => new Date(nowMs()).toISOString(),
      )
    },
  )

  const one = route(
    {
      method: 'get',
      path: '/v1/processes/{id}/events',
      operationId: 'followProcess',
      tag: 'processes',
      summary: 'Follow one process',
      description: `${description}\n\nBegins with the process as it is. Ends when it is deleted.`,
      scope: 'read',
      params: z.object({ id: parsed(processId) }),
      headers: lastEventId,
      responses: { 200: stream, 404: problemResponse },
    },
    async (c, { params: { id } }) => {
      if ((await ledger.read(id, { signal: c.var.signal })) === undefined) throw new NotFound('no such process')
      const last = c.req.header('last-event-id')
      const after = last !== undefined && /^\d{1,15}$/.test(last) ? Number(last) : undefined
      return open(
        c,
        (signal) => changesOfProcess(looks.one(id), { nowMs, id, after, signal }),
        (process) => process && `${process.version}`,
      )
    },
  )

  return [all, one]
}
