import * as z from 'zod'
import { livenessOf } from '../../../domain/process/liveness.ts'
import type { ReadProcess } from '../../../domain/process/process-ledger.ts'
import { processStatuses, processTypes } from '../../../domain/process/process-state.ts'
import { progressOf } from '../../../domain/process/progress.ts'
import { TimeSchema } from './fields.ts'

export const ProcessSchema = z.object({
  id: z.string(),
  type: z.enum(processTypes),
  name: z.string(),
  status: z.enum(processStatuses),
  liveness: z
    .enum(['alive', 'stalled', 'lost', 'none'])
    .meta({ description: '`none` while nobody is expected to speak' }),
  cancelRequested: z.boolean(),
  attempt: z.number().int(),
  worker: z.string().nullable(),
  progress: z.object({
    step: z.number().int(),
    totalSteps: z.number().int().nullable(),
    percent: z.number().nullable(),
    etaSeconds: z.number().nullable(),
  }),
  metrics: z.record(z.string(), z.number()),
  message: z.string().nullable(),
  dataset: z.string().nullable(),
  config: z.record(z.string(), z.unknown()),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
  version: z.number().int(),
  createdAt: TimeSchema,
  updatedAt: TimeSchema,
  startedAt: TimeSchema.nullable(),
  endedAt: TimeSchema.nullable(),
  sync: z
    .enum(['cas', 'merge'])
    .meta({ description: '`cas`: the store decides between racing writers; `merge`: it cannot' }),
  conflicts: z
    .array(z.object({ attempt: z.number().int(), workers: z.array(z.string()) }))
    .optional()
    .meta({ description: 'attempts that several workers were told they hold; only with `merge`' }),
})

export type ProcessJson = z.infer<typeof ProcessSchema>

export function processJson({ state, sync, conflicts }: ReadProcess, storeNowMs: number): ProcessJson {
  const { id, type, name, status, cancelRequested, attempt, worker, metrics, message, dataset, config, error } = state
  const { version, createdAt, updatedAt, startedAt, endedAt } = state
  return {
    id,
    type,
    name,
    status,
    liveness: livenessOf(state, storeNowMs),
    cancelRequested,
    attempt,
    worker,
    progress: progressOf(state),
    metrics: { ...metrics },
    message,
    dataset,
    config: { ...config },
    error,
    version,
    createdAt,
    updatedAt,
    startedAt,
    endedAt,
    sync,
    ...(conflicts.length > 0 && {
      conflicts: conflicts.map(({ attempt, workers }) => ({ attempt, workers: [...workers] })),
    }),
  }
}
