import * as z from 'zod'
import type { DeleteResult } from '../../../ports/object-store.ts'
import { isProblemCode, problemOf } from '../problem.ts'
import { KeySchema } from './fields.ts'

export const DeletedSchema = z.object({
  deleted: z.array(KeySchema),
  failed: z.array(z.object({ key: KeySchema, code: z.string(), detail: z.string() })),
})

/** What became of each of many keys that were to be deleted. */
export function deletedJson(results: readonly DeleteResult[], requestId: string): z.infer<typeof DeletedSchema> {
  return {
    deleted: results.flatMap(({ key, error }) => (error === undefined ? [key] : [])),
    failed: results.flatMap(({ key, error }) => {
      if (error === undefined) return []
      const { code, detail } = problemOf(
        isProblemCode(error.code) ? error.code : 'internal-error',
        error.message,
        requestId,
      )
      return [{ key, code, detail }]
    }),
  }
}
