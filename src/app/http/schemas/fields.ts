import * as z from 'zod'
import { CodedError } from '../../../ports/errors.ts'

export const Crc32Schema = z
  .string()
  .regex(/^[0-9a-f]{8}$/)
  .meta({ description: 'CRC-32, 8 lower-case hex digits' })
export const Sha256Schema = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .meta({ description: 'SHA-256, 64 lower-case hex digits' })
export const TimeSchema = z.iso.datetime({ precision: 3 }).meta({ description: 'ISO 8601, UTC, milliseconds' })
export const SizeSchema = z.number().int().min(0).meta({ description: 'bytes' })
export const KeySchema = z.string().meta({ examples: ['dataset/matt/a.jpg'] })

export const ProblemSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  code: z.string().meta({ description: 'stable, kebab-case' }),
  detail: z.string(),
  requestId: z.string(),
  errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
})

/** A string that has its own door in the domain: what the door refuses is told as a fault of this field, under its code. */
export const parsed = <Value>(parse: (given: string) => Value) =>
  z.string().transform((given, context): Value => {
    try {
      return parse(given)
    } catch (error) {
      if (!(error instanceof CodedError)) throw error
      context.addIssue({ code: 'custom', message: error.message, params: { code: error.code } })
      return z.NEVER
    }
  })

/** `limit` and `cursor` of every paged list. */
export const pageQuery = {
  cursor: z.string().max(4096).optional(),
  limit: z.coerce.number().int().min(1).max(1000).default(1000),
}

export const problemResponse = { description: 'problem+json', json: ProblemSchema }
