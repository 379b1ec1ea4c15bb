import * as z from 'zod'
import { datasetName } from '../../../domain/dataset/dataset-name.ts'
import { type CreateExportDeps, createExport } from '../../../domain/export/create-export.ts'
import { exportLink } from '../../../domain/export/export-link.ts'
import { maxExportSeconds } from '../../../domain/export/export-store.ts'
import type { FrozenExport } from '../../../domain/export/frozen-export.ts'
import type { Selected } from '../../../domain/export/selection.ts'
import { createTellChecksums, frozenChecksums, type TellChecksums } from '../../../domain/export/tell-checksums.ts'
import { usableStoreLinks } from '../../../domain/link/create-links.ts'
import { isPublic, parsePublicKey } from '../../../domain/object/public-key.ts'
import { processId } from '../../../domain/process/process-state.ts'
import { resultKinds } from '../../../domain/result/result.ts'
import type { Digests } from '../../../ports/digests.ts'
import { InvalidKey } from '../../../ports/errors.ts'
import type { LinkSigner } from '../../../ports/link-signer.ts'
import { segmentFault } from '../../../ports/object-key.ts'
import type { AppContext } from '../context.ts'
import { matchesWeakly, quoted } from '../entity-tags.ts'
import { entriesName } from '../export-entries.ts'
import { type ListingFormat, type ListingLinks, listingBody, listingFormats, listings } from '../export-listing.ts'
import { idempotencyKey } from '../idempotency-key.ts'
import { parseEach } from '../parse-each.ts'
import { type Route, route } from '../route.ts'
import { KeySchema, problemResponse, SizeSchema, TimeSchema } from '../schemas/fields.ts'
import { demandExport, type ServeExportDeps } from '../serve-export.ts'

const IncludeSchema = z.union([
  z.strictObject({ dataset: z.string() }),
  z.strictObject({ process: z.string(), kinds: z.array(z.enum(resultKinds)).min(1).optional() }),
  z.strictObject({ prefix: z.string().min(1).max(900) }),
  z.strictObject({ key: z.string() }),
])

const EntrySchema = z.object({
  name: z.string().meta({ description: 'the path in the zip: safe on every system, and no other entry has it' }),
  key: KeySchema,
  size: SizeSchema,
  crc32: z.string().nullable().meta({ description: '8 hex digits; null: not known, or not asked for, see getExport' }),
  sha256: z
    .string()
    .nullable()
    .meta({ description: '64 hex digits; null: not recorded, or not asked for, see getExport' }),
  url: z.url().meta({ description: 'this file alone, in the version that was frozen, or 409 export-stale' }),
  via: z
    .enum(['store', 'api'])
    .meta({ description: 'who sends the bytes: the store, by a redirect to a URL of its own, or we' }),
})

const ExportSchema = z.object({
  id: z.string(),
  name: z.string(),
  url: z.url(),
  files: z.number().int(),
  bytes: SizeSchema.meta({ description: 'the exact length of the zip' }),
  etag: z.string(),
  expiresAt: TimeSchema,
  entries: z.array(EntrySchema),
  missing: z.array(KeySchema).optional().meta({ description: 'keys that were named and were not there' }),
  empty: z
    .array(IncludeSchema)
    .optional()
    .meta({ description: 'datasets, processes and prefixes that were named and held nothing' }),
  leftOut: z.number().int().optional().meta({
    description:
      'how many files or folders lie there and are not in the zip, because their names cannot be keys (NFD, a dot at the end)',
  }),
})

export interface ExportRouteDeps extends CreateExportDeps, ServeExportDeps {
  readonly links: LinkSigner
  readonly storeLinks: LinkSigner | undefined
}

const mediaTypes = { json: 'application/json', aria2: 'text/plain; charset=utf-8', urls: 'text/plain; charset=utf-8' }

export function exportRoutes(deps: ExportRouteDeps): Route[] {
  const { exports, clock, links, digests } = deps

  const linksOf = async ({ manifest }: FrozenExport, signal: AbortSignal): Promise<ListingLinks> => {
    const { id } = manifest
    const grant = { subject: id, expiresAt: new Date(manifest.expiresAt), disposition: 'attachment' } as const
    return {
      url: await exportLink(links, manifest),
      entriesUrl: await links.sign({ ...grant, purpose: 'entries', filename: entriesName }),
      via: (await usableStoreLinks(deps, { signal })) === undefined ? 'api' : 'store',
    }
  }

  const listing = async (
    c: AppContext,
    frozen: FrozenExport,
    { format, status, tell }: { format: ListingFormat; status: 200 | 201; tell: TellChecksums },
  ) => {
    const links = await linksOf(frozen, c.var.signal)
    const { id, createdAt } = frozen.manifest
    // What nobody had to ask for may be known in one listing and not in the next, and never is in the answer to POST.
    const isExact = format === 'urls' || frozen.manifest.entries.every(({ crc32 }) => crc32 !== 'awaited')
    // All that it is made of: the listing itself may have megabytes, and is made only once.
    const madeOf = [format, id, createdAt, frozen.etag, links, ...(isExact ? [] : [status])]
    const etag = sha256(digests, JSON.stringify(madeOf)).slice(0, 32)
    const headers = { ETag: `${isExact ? '' : 'W/'}${quoted(etag)}`, 'Cache-Control': 'private, no-cache' }
    const ifNoneMatch = c.req.header('if-none-match')
    if (status === 200 && ifNoneMatch !== undefined && matchesWeakly(ifNoneMatch, etag))
      return c.body(null, 304, headers)
    const body = listingBody(listings[format](frozen, links, tell))
    return c.body(body, status, { ...headers, 'Content-Type': mediaTypes[format] })
  }

  const create = route(
    {
      method: 'post',
      path: '/v1/exports',
      operationId: 'createExport',
      tag: 'exports',
      summary: 'Freeze a selection and get the link of its zip',
      scope: 'read',
      json: z.strictObject({
        name: z
          .string()
          .max(200)
          .transform((given) => given.normalize('NFC'))
          .refine((given) => segmentFault(given) === undefined, 'is not a file name')
          .optional(),
        include: z.array(IncludeSchema).min(1).max(1000),
        expiresInSeconds: z.number().int().min(60).max(maxExportSeconds).default(maxExportSeconds),
      }),
      headers: { 'Idempotency-Key': 'a repetition is answered with the first result' },
      responses: {
        201: { description: 'the export', json: ExportSchema },
        413: problemResponse,
        422: problemResponse,
      },
    },
    async (c, { json }) => {
      const include = parseInclude(json.include)
      const { name = defaultName(include), expiresInSeconds } = json
      const options = { signal: c.var.signal, idempotencyKey: idempotencyKey(c) }
      const frozen = await createExport(deps, { include, name, expiresInSeconds }, options)
      c.header('Location', `/v1/exports/${frozen.manifest.id}`)
      return await listing(c, frozen, { format: 'json', status: 201, tell: frozenChecksums })
    },
  )

  const read = route(
    {
      method: 'get',
      path: '/v1/exports/{id}',
      operationId: 'getExport',
      tag: 'exports',
      summary: 'What an export contains, with a link for each of its files',
      description:
        'Looks for the checksums that POST had no need to ask for, those of files up to 1 MiB: one HEAD each, and more for files that others put there. The links of single files need no token, take Range, and give the frozen version or 409. `format=aria2` is an input file for `aria2c -i`, `format=urls` one for `wget -i`.',
      scope: 'read',
      params: z.object({ id: z.string() }),
      query: z.object({ format: z.enum(listingFormats).default('json') }),
      headers: { 'If-None-Match': 'ETags' },
      responses: {
        200: { description: 'the export', json: ExportSchema, mediaType: 'text/plain' },
        304: { description: 'not changed' },
        404: problemResponse,
      },
    },
    async (c, { params, query: { format } }) => {
      const { signal } = c.var
      const frozen = await demandExport(deps, params.id, signal)
      return await listing(c, frozen, { format, status: 200, tell: createTellChecksums(deps, { signal }) })
    },
  )

  const remove = route(
    {
      method: 'delete',
      path: '/v1/exports/{id}',
      operationId: 'deleteExport',
      tag: 'exports',
      summary: 'Delete an export; its link stops working, the objects stay',
      scope: 'read',
      params: z.object({ id: z.string() }),
      responses: { 204: { description: 'gone, or never was' } },
    },
    async (c, { params }) => {
      await exports.delete(params.id, { signal: c.var.signal })
      return c.body(null, 204)
    },
  )

  return [create, read, remove]

  function defaultName(include: readonly Selected[]): string {
    const [only, ...more] = include
    if (only === undefined || more.length > 0) return `export-${new Date(clock.nowMs()).toISOString().slice(0, 10)}`
    if ('dataset' in only) return only.dataset
    if ('process' in only) return only.process
    const path = 'key' in only ? only.key : only.prefix
    return path.split('/').findLast((segment) => segmentFault(segment) === undefined) ?? 'export'
  }
}

const sha256 = (digests: Digests, text: string) => digests.sha256(new TextEncoder().encode(text))

function parseInclude(given: readonly z.infer<typeof IncludeSchema>[]): Selected[] {
  return parseEach('include', given, (one): Selected => {
    if ('dataset' in one) return { dataset: datasetName(one.dataset) }
    if ('process' in one) return { process: processId(one.process), kinds: one.kinds ?? resultKinds }
    if ('key' in one) return { key: parsePublicKey(one.key) }
    if (!isPublic(one.prefix)) throw new InvalidKey('a prefix begins with dataset/, files/ or results/')
    return { prefix: one.prefix.normalize('NFC') }
  })
}
