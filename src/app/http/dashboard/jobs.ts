import * as z from 'zod'
import { NotFound } from '../../../domain/errors.ts'
import { createProcess } from '../../../domain/process/create-process.ts'
import { InvalidJobConfig, jobConfig } from '../../../domain/process/job-config.ts'
import type { ProcessDeps } from '../../../domain/process/process-deps.ts'
import { type ProcessId, type ProcessType, processId } from '../../../domain/process/process-state.ts'
import { cancelProcess } from '../../../domain/process/steer-process.ts'
import type { Digests } from '../../../ports/digests.ts'
import type { DashboardCall } from './call.ts'
import { jsonBody } from './json-body.ts'

export interface JobCallDeps extends ProcessDeps {
  readonly digests: Digests
  /** YAML as values. Throws an `Error` whose message says what is wrong, and where. */
  readonly readJob: (text: string) => unknown
}

const JobSchema = z.object({ config: z.string() })
/** Comments and blanks included, escaped as JSON; what is kept of it has a limit of its own. */
const maxBodyBytes = 2 ** 20

/** Jobs as the dashboard starts and ends them: its YAML becomes the config of a queued process, for a worker to claim. */
export function jobCalls(deps: JobCallDeps): DashboardCall[] {
  const start = (path: string, type: ProcessType, prefix: string, noun: string): DashboardCall => ({
    method: 'POST',
    path,
    async answer(c) {
      const { config: text } = await jsonBody(c, JobSchema, { maxBytes: maxBodyBytes })
      const job = jobConfig(read(text))
      const id = newId(prefix)
      await createProcess(deps, { id, type, ...job }, { signal: c.var.signal, idempotencyKey: undefined })
      const message = `${noun} ${job.name ?? id} is queued.`
      return c.json({ success: true, data: { process_id: id, status: 'pending' }, message })
    },
  })

  return [
    start('/train', 'training', 'train', 'Training'),
    start('/generate', 'generation', 'gen', 'Generation'),
    {
      method: 'DELETE',
      path: '/processes/:id',
      async answer(c) {
        const options = { signal: c.var.signal, idempotencyKey: undefined }
        const { state } = await cancelProcess(deps, knownId(c.req.param('id')), options)
        const message = state.status === 'cancelled' ? 'The job is cancelled.' : 'Its worker was asked to end.'
        return c.json({ success: true, message })
      },
    },
  ]

  function read(text: string): unknown {
    try {
      return deps.readJob(text)
    } catch (error) {
      throw new InvalidJobConfig(`The config is not YAML: ${error instanceof Error ? error.message : 'unreadable'}`)
    }
  }

  /** As the ids of old: `train_` or `gen_` and twelve hex digits. */
  function newId(prefix: string): ProcessId {
    return processId(`${prefix}_${deps.digests.sha256(new TextEncoder().encode(deps.ids.next())).slice(0, 12)}`)
  }
}

/** What cannot be an id is the id of nothing. */
export function knownId(given: string | undefined): ProcessId {
  try {
    return processId(given ?? '')
  } catch {
    throw new NotFound('no such process')
  }
}
