import * as z from 'zod'
import { NotFound } from '../../../domain/errors.ts'
import { beatProcess } from '../../../domain/process/beat-process.ts'
import { claimOldest } from '../../../domain/process/claim-oldest.ts'
import { createProcess } from '../../../domain/process/create-process.ts'
import { deleteProcess } from '../../../domain/process/delete-process.ts'
import { listProcesses } from '../../../domain/process/list-processes.ts'
import { awaitChange } from '../../../domain/process/process-changes.ts'
import type { ProcessDeps } from '../../../domain/process/process-deps.ts'
import type { ReadProcess } from '../../../domain/process/process-ledger.ts'
import type { ProcessLooks } from '../../../domain/process/process-looks.ts'
import { type ProcessId, processId, processStatuses, processTypes } from '../../../domain/process/process-state.ts'
import { reportProcess } from '../../../domain/process/report-process.ts'
import { cancelProcess, claimProcess, retryProcess, takeOverProcess } from '../../../domain/process/steer-process.ts'
import type { Digests } from '../../../ports/digests.ts'
import { PreconditionFailed } from '../../../ports/errors.ts'
import type { AppContext } from '../context.ts'
import { matchesStrongly, matchesWeakly, quoted } from '../entity-tags.ts'
import { idempotencyKey } from '../idempotency-key.ts'
import { type Route, route } from '../route.ts'
import { pageQuery, parsed, problemResponse, TimeSchema } from '../schemas/fields.ts'
import { ProcessSchema, processJson } from '../schemas/process.ts'
import {
  ClaimOldestSchema,
  ClaimSchema,
  HeartbeatSchema,
  maxReportBytes,
  NewProcessSchema,
  ReportSchema,
} from '../schemas/process-input.ts'
import type { StreamLimits } from './process-events.ts'

const idParams = z.object({ id: parsed(processId) })

const ReportedSchema = z.object({
  applied: z.boolean(),
  duplicate: z.boolean(),
  cancelRequested: z.boolean(),
  version: z.number().int(),
})

const PointSchema = z.object({
  seq: z.number().int().meta({ description: 'of the report that it came with' }),
  step: z.number().int(),
  at: TimeSchema,
  metrics: z.record(z.string(), z.number()),
})

const oneProcess = { description: 'the process', json: ProcessSchema }
const cannotDecide = { ...problemResponse, description: 'needs a store that decides between writers; see `sync`' }
const key = { 'Idempotency-Key': '1 to 128 visible ASCII characters; a repetition is answered with the first result' }

/** How long a request may wait for a change, in seconds. */
const maxWaitSeconds = 25

export function processRoutes(
  deps: ProcessDeps & { digests: Digests; looks: ProcessLooks; streams: Pick<StreamLimits, 'ending'> },
): Route[] {
  const { ledger, looks, clock } = deps
  const { ending } = deps.streams

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

  const answer = (c: AppContext, process: ReadProcess, status: 200 | 201 = 200) =>
    c.json(processJson(process, ledger.nowMs()), status, { ETag: quoted(process.etag) })

  /** Honours `If-Match` by looking first: a change in between is the state machine's to judge. */
  const demandVersion = async <T>(c: AppContext, id: ProcessId, operate: () => Promise<T>): Promise<T> => {
    const ifMatch = c.req.header('if-match')
    if (ifMatch !== undefined) {
      const found = await ledger.read(id, { signal: c.var.signal })
      if (found === undefined || !matchesStrongly(ifMatch, found.etag)) {
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
      const isKnown = ({ etag }: ReadProcess) => ifNoneMatch !== undefined && matchesWeakly(ifNoneMatch, etag)
      const found =
        ifNoneMatch === undefined || waitSeconds === 0
          ? await ledger.read(id, { signal })
          : await waitForChange(c, id, isKnown, waitSeconds * 1000)
      if (found === undefined) throw new NotFound('no such process')
      if (isKnown(found)) return c.body(null, 304, { ETag: quoted(found.etag) })
      return answer(c, found)
    },
  )

  const report = route(
    {
      method: 'post',
      path: '/v1/processes/{id}/reports',
      operationId: 'reportProcess',
      tag: 'processes',
      summary: 'What a worker says about its attempt',
      description:
        'The first report of a queued process claims it. A re-sent `seq` is a duplicate and has no second effect.',
      scope: 'worker',
      params: idParams,
      json: ReportSchema,
      jsonBytes: maxReportBytes,
      responses: { 200: { description: 'taken', json: ReportedSchema }, 404: problemResponse, 409: problemResponse },
    },
    async (c, { params, json }) => {
      const { worker, attempt, seq, status, step, totalSteps, metrics, message, error, expectNextInSeconds } = json
      const points = json.points?.map(({ at, ...point }) => (at === undefined ? point : { ...point, at }))
      const said = { worker, attempt, seq, status, step, totalSteps, metrics, points, message, error }
      const report = { ...said, expectNextInSeconds }
      const { state, repeated } = await reportProcess(deps, params.id, report, { signal: c.var.signal })
      const { cancelRequested, version } = state
      return c.json({ applied: !repeated, duplicate: repeated, cancelRequested, version })
    },
  )

  const heartbeat = route(
    {
      method: 'post',
      path: '/v1/processes/{id}/heartbeats',
      operationId: 'beatProcess',
      tag: 'processes',
      summary: 'A worker lives, and has nothing to report',
      description: 'Cheaper than a report: it has no `seq`, is not kept, and raises no version.',
      scope: 'worker',
      params: idParams,
      json: HeartbeatSchema,
      responses: {
        200: { description: 'noted', json: z.object({ cancelRequested: z.boolean(), version: z.number().int() }) },
        404: problemResponse,
        409: problemResponse,
      },
    },
    async (c, { params, json }) => {
      const { worker, attempt } = json
      const { state } = await beatProcess(deps, params.id, { worker, attempt }, { signal: c.var.signal })
      const { cancelRequested, version } = state
      return c.json({ cancelRequested, version })
    },
  )

  const claim = route(
    {
      method: 'post',
      path: '/v1/processes/{id}/claim',
      operationId: 'claimProcess',
      tag: 'processes',
      summary: 'Take a queued process; with `takeover`, one whose worker is lost',
      scope: 'worker',
      params: idParams,
      json: ClaimSchema,
      headers: key,
      responses: { 200: oneProcess, 404: problemResponse, 409: problemResponse, 501: cannotDecide },
    },
    async (c, { params, json }) =>
      answer(
        c,
        await (json.takeover ? takeOverProcess : claimProcess)(deps, params.id, {
          worker: json.worker,
          signal: c.var.signal,
          idempotencyKey: idempotencyKey(c),
        }),
      ),
  )

  const claimAny = route(
    {
      method: 'post',
      path: '/v1/processes/claim',
      operationId: 'claimOldestProcess',
      tag: 'processes',
      summary: 'Take the oldest queued process',
      scope: 'worker',
      json: ClaimOldestSchema,
      headers: key,
      responses: { 200: oneProcess, 204: { description: 'none is queued' }, 503: problemResponse },
    },
    async (c, { json }) => {
      const { worker, types } = json
      const claimed = await claimOldest(deps, {
        worker,
        types,
        idempotencyKey: idempotencyKey(c),
        signal: c.var.signal,
      })
      return claimed === undefined ? c.body(null, 204) : answer(c, claimed)
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

  return [create, list, claimAny, read, report, heartbeat, claim, cancel, retry, metrics, remove]
}
