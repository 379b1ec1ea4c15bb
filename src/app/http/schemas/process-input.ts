import * as z from 'zod'
import { datasetName } from '../../../domain/dataset/dataset-name.ts'
import { maxConfigDepth, maxConfigLength } from '../../../domain/process/job-config.ts'
import { processId, processTypes } from '../../../domain/process/process-state.ts'
import { parsed, TimeSchema } from './fields.ts'

const WorkerSchema = z.string().regex(/^[\x21-\x7e]{1,128}$/, '1 to 128 visible ASCII characters')
const name = z.string().trim().min(1).max(200)
const positive = z
  .number()
  .int()
  .min(1)
  .max(2 ** 31)

const MetricsSchema = z.record(z.string().min(1).max(100), z.number()).refine((all) => Object.keys(all).length <= 100)

/** A report is small, and many workers send them. */
export const maxReportBytes = 64 * 1024

export const NewProcessSchema = z.strictObject({
  id: parsed(processId).optional(),
  type: z.enum(processTypes),
  name: name.optional(),
  dataset: parsed(datasetName).optional(),
  config: z
    .record(z.string(), z.unknown())
    .refine((config) => isWithin(config, maxConfigDepth), {
      error: `is nested deeper than ${maxConfigDepth} levels`,
      abort: true,
    })
    .refine((config) => JSON.stringify(config).length <= maxConfigLength, {
      error: `has more than ${maxConfigLength} characters as JSON`,
      params: { code: 'too-large' },
    })
    .default({}),
})

export const ReportSchema = z.strictObject({
  worker: WorkerSchema,
  attempt: positive,
  seq: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER),
  status: z.enum(['starting', 'running', 'completed', 'failed', 'cancelled']).optional(),
  step: z.number().int().min(0).optional(),
  totalSteps: positive.optional(),
  metrics: MetricsSchema.optional(),
  points: z
    .array(z.strictObject({ step: z.number().int().min(0), metrics: MetricsSchema, at: TimeSchema.optional() }))
    .max(500)
    .optional()
    .meta({
      description: 'what was measured since the last report, step by step; without it `metrics` is the one point',
    }),
  message: z.string().max(2000).optional(),
  error: z.strictObject({ code: z.string().min(1).max(100), message: z.string().max(4000) }).optional(),
  expectNextInSeconds: z.number().min(1).max(86_400).optional(),
})

export const ClaimSchema = z.strictObject({ worker: WorkerSchema, takeover: z.boolean().default(false) })

export const HeartbeatSchema = z.strictObject({ worker: WorkerSchema, attempt: positive })

export const ClaimOldestSchema = z.strictObject({
  worker: WorkerSchema,
  types: z.array(z.enum(processTypes)).min(1).max(10).optional(),
})

/** Looks no deeper than `levels`: what is nested without end would exhaust the stack of every writer of JSON. */
function isWithin(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return true
  return levels > 0 && Object.values(value).every((inner) => isWithin(inner, levels - 1))
}
