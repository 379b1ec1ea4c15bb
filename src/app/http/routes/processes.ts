import * as z from 'zod'
import { NotFound } from '../../../domain/errors.ts'
import { createProcess } from '../../../domain/process/create-process.ts'
import { deleteProcess } from '../../../domain/process/delete-process.ts'
import { listProcesses } from '../../../domain/process/list-processes.ts'
import { awaitChange } from '../../../domain/process/process-changes.ts'
import type { ProcessDeps } from '../../../domain/process/process-deps.ts'
import type { ReadProcess } from '../../../domain/process/process-ledger.ts'
import type { ProcessLooks } from '../../../domain/process/process-looks.ts'
import { type ProcessId, processStatuses, processTypes } from '../../../domain/process/process-state.ts'
import { cancelProcess, retryProcess } from '../../../domain/process/steer-process.ts'
import type { Digests } from '../../../ports/digests.ts'
import { PreconditionFailed } from '../../../ports/errors.ts'
import type { Log } from '../../../ports/log.ts'
import type { AppContext } from '../context.ts'
import { matchesStrongly, matchesWeakly, quoted } from '../entity-tags.ts'
import { idempotencyKey } from '../idempotency-key.ts'
import { type Route, route } from '../route.ts'
import { pageQuery, problemResponse, TimeSchema } from '../schemas/fields.ts'
import { ProcessSchema, processJson } from '../schemas/process.ts'
import { NewProcessSchema } from '../schemas/process-input.ts'
import { answerWith, cannotDecide, idParams, key, oneProcess, shownTag, tagsOfVersion } from './process-answer.ts'
import type { StreamLimits } from './process-events.ts'
import { workerRoutes } from './process-workers.ts'

const PointSchema = z.object({
  seq: z.number().int().meta({ description: 'of the report that it came with' }),
  step: z.number().int(),
  at: TimeSchema,
  metrics: z.record(z.string(), z.number()),
})

/** How long a request may wait for a change, in seconds. */
const maxWaitSeconds = 25

export function processRoutes(
  deps: ProcessDeps & { digests: Digests; log: Log; looks: ProcessLooks; streams: Pick<StreamLimits, 'ending'> },
): Route[] {
  const { ledger, looks, clock } = deps
  const { ending } = deps.streams
  const answer = answerWith(ledger)

  /** Or as it is when the service is about to end. */
  const waitForChange = async (c: AppContext, id: ProcessId, isKnown: (p: ReadProcess) => boolean, waitMs: number) => {
    const { signal } = c.var
    const until = ending === undefined ? signal : AbortSignal.any([signal, ending])
    try {
      return await awaitChange(looks.one(id), { clock, isKnown, waitMs, signal: until })
    } catch (error) {
      if (signal.aborted || ending?.aborted !== true) throw error
      return await ledger.read(id, { signal })
    }
  }

  /** Honours `If-Match` by looking first: a change in between is the state machine's to judge. */
  const demandVersion = async <T>(c: AppContext, id: ProcessId, operate: () => Promise<T>): Promise<T> => {
    const ifMatch = c.req.header('if-match')
    if (ifMatch !== undefined) {
      const found = await ledger.read(id, { signal: c.var.signal })
      if (found === undefined || !tagsOfVersion(found).some((tag) => matchesStrongly(ifMatch, tag))) {
        throw new PreconditionFailed('another version is stored')
      }
    }
    return await operate()
  }

  const create = route(
    {
      method: 'post',
      path: '/v1/processes',
      operationId: 'createProcess',
      tag: 'processes',
      summary: 'Queue a process',
      scope: 'write',
      json: NewProcessSchema,
      headers: key,
      responses: { 201: oneProcess, 400: problemResponse, 409: problemResponse },
    },
    async (c, { json }) => {
      const { id, type, name, dataset, config } = json
      const wanted = { id, type, name, dataset, config }
      const made = await createProcess(deps, wanted, { signal: c.var.signal, idempotencyKey: idempotencyKey(c) })
      c.header('Location', `/v1/processes/${made.state.id}`)
      return answer(c, made, 201)
    },
  )

  const list = route(
    {
      method: 'get',
      path: '/v1/processes',
      operationId: 'listProcesses',
      tag: 'processes',
      summary: 'List processes, the newest first',
      scope: 'read',
      query: z.object({
        status: z.enum(processStatuses).optional(),
        type: z.enum(processTypes).optional(),
        ...pageQuery,
      }),
      responses: {
        200: {
          description: 'one page',
          json: z.object({
            processes: z.array(ProcessSchema),
            nextCursor: z.string().nullable(),
            partial: z.boolean(),
            unreadable: z
              .array(z.string())
              .meta({ description: 'ids of processes that are there but could not be read' }),
          }),
        },
      },
    },
    async (c, { query }) => {
      const { signal } = c.var
      const { status, type, cursor, limit } = query
      const page = await listProcesses(ledger, { status, type, cursor, limit, signal })
      return c.json({
        processes: page.processes.map((process) => processJson(process, ledger.nowMs())),
        nextCursor: page.nextCursor ?? null,
        partial: page.unreadable.length > 0,
        unreadable: page.unreadable,
      })
    },
  )

  const read = route(
    {
      method: 'get',
      path: '/v1/processes/{id}',
      operationId: 'getProcess',
      tag: 'processes',
      summary: 'Read one process',
      scope: 'read',
      description: 'With `If-None-Match` and `waitSeconds` the answer waits until something has changed, or so long.',
      params: idParams,
      query: z.object({ waitSeconds: z.coerce.number().int().min(0).max(maxWaitSeconds).default(0) }),
      headers: { 'If-None-Match': 'answers 304 while nothing has changed' },
      responses: { 200: oneProcess, 304: { description: 'not changed' }, 404: problemResponse },
    },
    async (c, { params: { id }, query: { waitSeconds } }) => {
      const { signal } = c.var
      const ifNoneMatch = c.req.header('if-none-match')
      const isKnown = (process: ReadProcess) =>
        ifNoneMatch !== undefined && matchesWeakly(ifNoneMatch, shownTag(process, ledger.nowMs()))
      const found =
        ifNoneMatch === undefined || waitSeconds === 0
          ? await ledger.read(id, { signal })
          : await waitForChange(c, id, isKnown, waitSeconds * 1000)
      if (found === undefined) throw new NotFound('no such process')
      if (isKnown(found)) return c.body(null, 304, { ETag: quoted(shownTag(found, ledger.nowMs())) })
      return answer(c, found)
    },
  )

  const metrics = route(
    {
      method: 'get',
      path: '/v1/processes/{id}/metrics',
      operationId: 'getProcessMetrics',
      tag: 'processes',
      summary: 'What an attempt has measured',
      description:
        'Ask again with `after=nextAfter` for what came since; nothing new gives no points and the same `nextAfter`.',
      scope: 'read',
      params: idParams,
      query: z.object({
        after: z.coerce.number().int().min(-1).max(Number.MAX_SAFE_INTEGER).default(-1),
        attempt: z.coerce.number().int().min(1).optional().meta({ description: 'default: the present one' }),
        limit: z.coerce.number().int().min(1).max(10_000).default(1000),
      }),
      responses: {
        200: {
          description: 'by `seq`; the points of one report are never on two pages',
          json: z.object({ points: z.array(PointSchema), nextAfter: z.number().int().nullable() }),
        },
        404: problemResponse,
      },
    },
    async (c, { params, query }) => {
      const { after, attempt, limit } = query
      const points = await ledger.series(params.id, { after, attempt, limit }, { signal: c.var.signal })
      if (points === undefined) throw new NotFound('no such process')
      const nextAfter = points.at(-1)?.seq ?? (after < 0 ? null : after)
      return c.json({ points: points.map((point) => ({ ...point, metrics: { ...point.metrics } })), nextAfter })
    },
  )

  const steer = (verb: 'cancel' | 'retry', summary: string, operate: typeof cancelProcess) =>
    route(
      {
        method: 'post',
        path: `/v1/processes/{id}/${verb}`,
        operationId: `${verb}Process`,
        tag: 'processes',
        summary,
        scope: 'write',
        params: idParams,
        headers: key,
        responses: { 200: oneProcess, 404: problemResponse, 409: problemResponse, 501: cannotDecide },
      },
      async (c, { params }) => {
        const options = { signal: c.var.signal, idempotencyKey: idempotencyKey(c) }
        return answer(c, await demandVersion(c, params.id, () => operate(deps, params.id, options)))
      },
    )
  const cancel = steer('cancel', 'End a queued process; ask a claimed one to end', cancelProcess)
  const retry = steer('retry', 'Queue a new attempt of a failed, cancelled or lost process', retryProcess)

  const remove = route(
    {
      method: 'delete',
      path: '/v1/processes/{id}',
      operationId: 'deleteProcess',
      tag: 'processes',
      summary: 'Remove a process that has ended; its results stay',
      scope: 'write',
      params: idParams,
      responses: { 204: { description: 'removed, or never was' }, 409: problemResponse },
    },
    async (c, { params }) => {
      await demandVersion(c, params.id, () => deleteProcess(deps, params.id, { signal: c.var.signal }))
      return c.body(null, 204)
    },
  )

  return [create, list, read, ...workerRoutes(deps), cancel, retry, metrics, remove]
}
