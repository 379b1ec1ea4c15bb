import * as z from 'zod'
import { datasetName } from '../../../domain/dataset/dataset-name.ts'
import { NotFound } from '../../../domain/errors.ts'
import { archiveEtag } from '../../../domain/export/archive-etag.ts'
import { type CreateExportDeps, createExport } from '../../../domain/export/create-export.ts'
import { deleteExport, maxExportSeconds, readExport } from '../../../domain/export/export-store.ts'
import { learnChecksums } from '../../../domain/export/learned-checksums.ts'
import type { ExportManifest } from '../../../domain/export/manifest.ts'
import type { ReadArchive } from '../../../domain/export/read-archive.ts'
import { resultKinds, type Selected } from '../../../domain/export/selection.ts'
import { verifySources } from '../../../domain/export/verify-sources.ts'
import { layoutZip } from '../../../domain/export/zip-layout.ts'
import { isPublic, parsePublicKey } from '../../../domain/object/public-key.ts'
import { processId } from '../../../domain/process/process-state.ts'
import { contentDisposition } from '../../../ports/content-disposition.ts'
import { InvalidKey } from '../../../ports/errors.ts'
import type { LinkGrant, LinkSigner } from '../../../ports/link-signer.ts'
import { segmentFault } from '../../../ports/object-key.ts'
import type { AppContext } from '../context.ts'
import { documentAnswer } from '../document.ts'
import { matchesWeakly, quoted } from '../entity-tags.ts'
import { idempotencyKey } from '../idempotency-key.ts'
import { parseEach } from '../parse-each.ts'
import { rangeAnswer, wholeAnswer } from '../range-answer.ts'
import { type Route, route } from '../route.ts'
import { KeySchema, problemResponse, SizeSchema, TimeSchema } from '../schemas/fields.ts'
import { startedBody } from '../started-body.ts'

const IncludeSchema = z.union([
  z.strictObject({ dataset: z.string() }),
  z.strictObject({ process: z.string(), kinds: z.array(z.enum(resultKinds)).min(1).optional() }),
  z.strictObject({ prefix: z.string().min(1).max(900) }),
  z.strictObject({ key: z.string() }),
])

const ExportSchema = z.object({
  id: z.string(),
  name: z.string(),
  url: z.url(),
  files: z.number().int(),
  bytes: SizeSchema.meta({ description: 'the exact length of the zip' }),
  etag: z.string(),
  expiresAt: TimeSchema,
  entries: z.array(z.object({ name: z.string(), key: KeySchema, size: SizeSchema })),
  missing: z.array(KeySchema).optional().meta({ description: 'keys that were named and are not there' }),
})

export interface ExportRouteDeps extends CreateExportDeps {
  readonly links: LinkSigner
  readonly readArchive: ReadArchive
}

export function exportRoutes(deps: ExportRouteDeps): Route[] {
  const { store, clock, links, digests } = deps

  const exportJson = async (manifest: ExportManifest): Promise<z.infer<typeof ExportSchema>> => {
    const { id, name, expiresAt, entries } = manifest
    const grant: LinkGrant = {
      purpose: 'export',
      subject: id,
      expiresAt: new Date(expiresAt),
      disposition: 'attachment',
      filename: `${name}.zip`,
    }
    return {
      id,
      name,
      url: await links.sign(grant),
      files: entries.length,
      bytes: layoutZip(manifest).lengthBytes,
      etag: archiveEtag(digests, manifest),
      expiresAt,
      entries: entries.map((entry) => ({ name: entry.name, key: entry.key, size: entry.sizeBytes })),
    }
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
      const { manifest, missing } = await createExport(deps, { include, name, expiresInSeconds }, options)
      const body = await exportJson(manifest)
      c.header('Location', `/v1/exports/${manifest.id}`)
      return c.json(missing.length === 0 ? body : { ...body, missing }, 201)
    },
  )

  const read = route(
    {
      method: 'get',
      path: '/v1/exports/{id}',
      operationId: 'getExport',
      tag: 'exports',
      summary: 'What an export contains',
      scope: 'read',
      params: z.object({ id: z.string() }),
      responses: { 200: { description: 'the export', json: ExportSchema }, 404: problemResponse },
    },
    async (c, { params }) =>
      documentAnswer(c, digests, await exportJson(await demandExport(deps, params.id, c.var.signal))),
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
      await deleteExport(store, params.id, { signal: c.var.signal })
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

async function demandExport(
  { store, clock }: ExportRouteDeps,
  id: string,
  signal: AbortSignal,
): Promise<ExportManifest> {
  const manifest = await readExport(store, id, { nowMs: clock.nowMs(), signal })
  if (manifest === undefined) throw new NotFound('no such export: it was deleted, or has expired')
  return manifest
}

/** The zip as an HTTP answer, for GET and HEAD: its length is exact and its bytes are the same wherever they are made. */
export function serveExport(deps: ExportRouteDeps): (c: AppContext, grant: LinkGrant) => Promise<Response> {
  const { store, digests, log, readArchive } = deps
  return async (c, grant) => {
    const { signal, requestId } = c.var
    const manifest = await demandExport(deps, grant.subject, signal)
    const layout = layoutZip(manifest)
    const etag = archiveEtag(digests, manifest)
    const headers = new Headers({
      'Accept-Ranges': 'bytes',
      'Cache-Control': 'private, no-transform',
      'Content-Disposition': contentDisposition('attachment', grant.filename),
      'Content-Type': 'application/zip',
      ETag: quoted(etag),
      'Last-Modified': new Date(manifest.createdAt).toUTCString(),
      'Referrer-Policy': 'no-referrer',
      'X-Content-Type-Options': 'nosniff',
    })
    await verifySources(store, manifest, { signal })
    const ifNoneMatch = c.req.header('if-none-match')
    if (ifNoneMatch !== undefined && matchesWeakly(ifNoneMatch, etag))
      return new Response(null, { status: 304, headers })
    const asked = rangeAnswer(c, headers, { etag, sizeBytes: layout.lengthBytes })
    if (c.req.method === 'HEAD') return new Response(null, { status: asked.status, headers })
    const range = { from: asked.offset, to: asked.offset + asked.lengthBytes }
    const archive = { id: manifest.id, etag, layout }
    const { learned, rangeServed } = await learnChecksums(deps, archive, range, { signal })
    const { status, offset, lengthBytes } = rangeServed ? asked : wholeAnswer(headers, layout.lengthBytes)
    log.info('export-download', {
      requestId,
      exportId: manifest.id,
      offset,
      lengthBytes,
      entries: manifest.entries.length,
    })
    const body = readArchive(layout, {
      from: offset,
      toExclusive: offset + lengthBytes,
      signal,
      verifyChecksums: false,
      ...(learned && { learned }),
    })
    return new Response(await startedBody(c, body, log), { status, headers })
  }
}

function parseInclude(given: readonly z.infer<typeof IncludeSchema>[]): Selected[] {
  return parseEach('include', given, (one): Selected => {
    if ('dataset' in one) return { dataset: datasetName(one.dataset) }
    if ('process' in one) return { process: processId(one.process), kinds: one.kinds ?? resultKinds }
    if ('key' in one) return { key: parsePublicKey(one.key) }
    if (!isPublic(one.prefix)) throw new InvalidKey('a prefix begins with dataset/, files/ or results/')
    return { prefix: one.prefix.normalize('NFC') }
  })
}
