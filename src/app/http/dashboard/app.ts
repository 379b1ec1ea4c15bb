import { Hono, type MiddlewareHandler } from 'hono'
import type { ReceiveFormDeps } from '../../../domain/dataset/receive-form.ts'
import { uploadNamedLast } from '../../../domain/dataset/upload-named-last.ts'
import { isKept } from '../../../domain/dataset/upload-report.ts'
import type { Clock } from '../../../ports/clock.ts'
import type { Digests } from '../../../ports/digests.ts'
import type { Ids } from '../../../ports/ids.ts'
import type { Log } from '../../../ports/log.ts'
import type { AppEnv } from '../context.ts'
import { formOf, type ReadForm } from '../form-body.ts'
import { translate } from '../middleware/errors.ts'
import { type ProblemCode, problems } from '../problem.ts'
import { datasetForTraining } from './training-name.ts'
import { uploadAnswer } from './upload.ts'

export interface DashboardDeps extends ReceiveFormDeps {
  readonly readForm: ReadForm
  readonly ids: Ids
  readonly clock: Clock
  readonly digests: Digests
  readonly log: Log
  /** Before the keys of the store, as the folder is called on a mounted volume. */
  readonly storePrefix: string
  /** Refuses requests of foreign pages. */
  readonly guard: MiddlewareHandler<AppEnv>
}

/**
 * The calls of the existing dashboard: a translation onto the use cases behind `/v1`. It cannot authenticate, so its
 * bearer is not even read; its errors are `{success: false, message}` with the right status, the one form that it shows.
 */
export function dashboardApp(deps: DashboardDeps): Hono<AppEnv> {
  const { digests, clock, log, storePrefix } = deps
  const app = new Hono<AppEnv>()

  app.post('/upload/training-data', deps.guard, async (c) => {
    const report = await uploadNamedLast(
      deps,
      formOf(c, deps.readForm),
      (fields) => ({
        dataset: datasetForTraining(fields.get('training_name') ?? '', { digests, nowMs: clock.nowMs() }),
        triggerWord: fields.get('trigger_word') ?? '',
        mode: fields.get('cleanup_existing') === 'true' ? 'replace' : 'merge',
      }),
      { signal: c.var.signal },
    )
    const answer = uploadAnswer(report, { folder: `${storePrefix}/dataset/${report.dataset}` })
    if (report.files.some(isKept)) return c.json(answer)
    const message = report.files.length === 0 ? 'The form has no files.' : answer.data.detailed_message
    return c.json({ ...answer, success: false, message }, 422)
  })

  app.onError((error, c) => {
    const { problem, headers } = translate(error, c.var.requestId)
    if (problem.status >= 500) log.error('request-failed', { requestId: c.var.requestId, code: problem.code, error })
    const { status } = problems[problem.code as ProblemCode]
    return c.json({ success: false, message: problem.detail }, status, headers)
  })

  return app
}
