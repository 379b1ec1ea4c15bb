import * as z from 'zod'
import { processId } from '../../../domain/process/process-state.ts'
import { deleteResults } from '../../../domain/result/delete-results.ts'
import { listResults } from '../../../domain/result/list-results.ts'
import { resultKinds } from '../../../domain/result/result.ts'
import type { ObjectStore } from '../../../ports/object-store.ts'
import { demandScopes, type Route, route } from '../route.ts'
import { DeletedSchema, deletedJson } from '../schemas/deleted.ts'
import { KeySchema, pageQuery, parsed, problemResponse, SizeSchema, TimeSchema } from '../schemas/fields.ts'

const ResultsSchema = z.object({
  results: z.array(
    z.object({
      process: z.string(),
      kind: z.enum(resultKinds),
      name: z.string(),
      key: KeySchema,
      size: SizeSchema,
      etag: z.string(),
      lastModified: TimeSchema,
    }),
  ),
  nextCursor: z.string().nullable(),
})

/** Results are objects; this is how they are found by what made them. */
export function resultRoutes({ store }: { store: ObjectStore }): Route[] {
  const list = route(
    {
      method: 'get',
      path: '/v1/results',
      operationId: 'listResults',
      tag: 'processes',
      summary: 'List what processes have made, in the order of the keys',
      scope: 'read',
      query: z.object({ process: parsed(processId).optional(), kind: z.enum(resultKinds).optional(), ...pageQuery }),
      responses: { 200: { description: 'one page', json: ResultsSchema }, 400: problemResponse },
    },
    async (c, { query }) => {
      const { process, kind, cursor, limit } = query
      const page = await listResults(store, { process, kind, cursor, limit, signal: c.var.signal })
      return c.json({
        results: page.results.map(({ process, kind, name, key, sizeBytes, etag, lastModified }) => {
          return { process, kind, name, key, size: sizeBytes, etag, lastModified: lastModified.toISOString() }
        }),
        nextCursor: page.nextCursor ?? null,
      })
    },
  )

  const remove = route(
    {
      method: 'delete',
      path: '/v1/results',
      operationId: 'deleteResults',
      tag: 'processes',
      summary: 'Delete all results of one kind, of a process, or of every process (scope admin)',
      scope: 'write',
      query: z.object({ kind: z.enum(resultKinds), process: parsed(processId).optional() }),
      responses: { 200: { description: 'one result for each key', json: DeletedSchema }, 400: problemResponse },
    },
    async (c, { query }) => {
      const { kind, process } = query
      if (process === undefined) demandScopes(c, 'admin')
      const results = await deleteResults(store, { kind, process }, { signal: c.var.signal })
      return c.json(deletedJson(results, c.var.requestId))
    },
  )

  return [list, remove]
}
