import * as z from 'zod'
import { beatProcess } from '../../../domain/process/beat-process.ts'
import { claimOldest } from '../../../domain/process/claim-oldest.ts'
import type { ProcessDeps } from '../../../domain/process/process-deps.ts'
import { isFinal } from '../../../domain/process/process-state.ts'
import { reportProcess } from '../../../domain/process/report-process.ts'
import { claimProcess, takeOverProcess } from '../../../domain/process/steer-process.ts'
import type { Log } from '../../../ports/log.ts'
import { idempotencyKey } from '../idempotency-key.ts'
import { type Route, route } from '../route.ts'
import { problemResponse } from '../schemas/fields.ts'
import {
  ClaimOldestSchema,
  ClaimSchema,
  HeartbeatSchema,
  maxReportBytes,
  ReportSchema,
} from '../schemas/process-input.ts'
import { answerWith, cannotDecide, idParams, key, oneProcess } from './process-answer.ts'

const ReportedSchema = z.object({
  applied: z.boolean(),
  duplicate: z.boolean(),
  cancelRequested: z.boolean(),
  version: z.number().int(),
})

/** What workers call. */
export function workerRoutes(deps: ProcessDeps & { log: Log }): Route[] {
  const answer = answerWith(deps.ledger)

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
      if (!repeated && isFinal(state.status)) {
        const ended = { requestId: c.var.requestId, processId: state.id, status: state.status, error: state.error }
        deps.log[state.status === 'failed' ? 'warn' : 'info']('process-ended', ended)
      }
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

  return [claimAny, report, heartbeat, claim]
}
