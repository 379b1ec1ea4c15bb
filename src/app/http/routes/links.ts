import * as z from 'zod'
import { type CreateLinksDeps, createLinks } from '../../../domain/link/create-links.ts'
import { parsePublicKey } from '../../../domain/object/public-key.ts'
import { LinkInvalid } from '../../../ports/errors.ts'
import type { LinkGrant, LinkVerifier } from '../../../ports/link-signer.ts'
import type { Log } from '../../../ports/log.ts'
import { segmentFault } from '../../../ports/object-key.ts'
import type { AppContext } from '../context.ts'
import { parseKeys } from '../parse-each.ts'
import { type Route, route } from '../route.ts'
import { KeySchema, problemResponse, SizeSchema, TimeSchema } from '../schemas/fields.ts'
import { serveObject } from '../serve-object.ts'

export const ExpirySchema = z.number().int().min(60).max(86_400).default(3600)

const LinksSchema = z.object({
  links: z.array(
    z.object({ key: KeySchema, url: z.url(), expiresAt: TimeSchema, size: SizeSchema, via: z.enum(['store', 'api']) }),
  ),
  missing: z.array(KeySchema),
})

export interface LinkRouteDeps extends CreateLinksDeps {
  readonly verifier: LinkVerifier
  readonly log: Log
  /** Serves the zip of a granted export. */
  readonly serveExport: (c: AppContext, grant: LinkGrant) => Promise<Response>
  /** Serves one file of a granted export. */
  readonly serveExportEntry: (
    c: AppContext,
    grant: LinkGrant,
    place: { index: string; name: string },
  ) => Promise<Response>
}

export function linkRoutes(deps: LinkRouteDeps): Route[] {
  const { serveExport, serveExportEntry } = deps

  const create = route(
    {
      method: 'post',
      path: '/v1/links',
      operationId: 'createLinks',
      tag: 'links',
      summary: 'Make expiring URLs that need no token',
      scope: 'read',
      json: z.strictObject({
        keys: z.array(z.string()).min(1).max(1000),
        expiresInSeconds: ExpirySchema,
        disposition: z.enum(['attachment', 'inline']).default('attachment'),
        filename: z
          .string()
          .max(255)
          .transform((given) => given.normalize('NFC'))
          .refine((given) => segmentFault(given) === undefined, 'is not a file name')
          .optional(),
      }),
      responses: { 200: { description: 'links', json: LinksSchema }, 400: problemResponse },
    },
    async (c, { json }) => {
      const { expiresInSeconds, disposition, filename } = json
      const keys = parseKeys(json.keys)
      const { links, missing } = await createLinks(deps, keys, {
        expiresInSeconds,
        disposition,
        filename,
        signal: c.var.signal,
      })
      return c.json({
        links: links.map(({ key, url, expiresAt, sizeBytes, via }) => ({
          key,
          url,
          expiresAt: expiresAt.toISOString(),
          size: sizeBytes,
          via,
        })),
        missing,
      })
    },
  )

  const follow = route(
    {
      method: 'get',
      path: '/v1/links/{token}/{filename}',
      operationId: 'followLink',
      tag: 'links',
      summary: 'Download what a link grants (HEAD and Range work too)',
      scope: 'open',
      params: z.object({ token: z.string(), filename: z.string() }),
      headers: { Range: 'one range of bytes', 'If-Range': 'a strong ETag', 'If-None-Match': 'ETags' },
      responses: {
        200: { description: 'the bytes', mediaType: 'application/octet-stream' },
        206: { description: 'the range', mediaType: 'application/octet-stream' },
        304: { description: 'not changed' },
        403: problemResponse,
        404: problemResponse,
        416: problemResponse,
      },
    },
    async (c, { params }) => {
      const grant = await verified(c, deps, params)
      if (grant.purpose === 'export') return await serveExport(c, grant)
      if (grant.purpose === 'entries') throw new LinkInvalid('this link is the beginning of others')
      const { subject, disposition, filename } = grant
      return await serveObject(c, deps, parsePublicKey(subject), { disposition, filename, embeddable: true })
    },
  )

  const followEntry = route(
    {
      method: 'get',
      path: '/v1/links/{token}/{filename}/{index}/{name}',
      operationId: 'followEntryLink',
      tag: 'links',
      summary: 'Download one file of an export (HEAD and Range work too)',
      scope: 'open',
      params: z.object({ token: z.string(), filename: z.string(), index: z.string(), name: z.string() }),
      headers: { Range: 'one range of bytes', 'If-Range': 'a strong ETag', 'If-None-Match': 'ETags' },
      responses: {
        200: { description: 'the bytes', mediaType: 'application/octet-stream' },
        206: { description: 'the range', mediaType: 'application/octet-stream' },
        302: { description: "to the store's own URL of the file" },
        304: { description: 'not changed' },
        403: problemResponse,
        404: problemResponse,
        409: problemResponse,
        416: problemResponse,
      },
    },
    async (c, { params }) => {
      const grant = await verified(c, deps, params)
      if (grant.purpose !== 'entries') throw new LinkInvalid('this link is not of the files of an export')
      return await serveExportEntry(c, grant, params)
    },
  )

  return [create, follow, followEntry]
}

/** Throws `LinkInvalid` or `LinkExpired`. */
async function verified(
  c: AppContext,
  { verifier, clock }: LinkRouteDeps,
  { token, filename }: { token: string; filename: string },
): Promise<LinkGrant> {
  // One spelling of each link: nothing may be added to it.
  if (c.req.url.includes('?')) throw new LinkInvalid('a link takes no query')
  const grant = await verifier.verify(token, clock.nowMs())
  if (grant.filename !== filename) throw new LinkInvalid('this link was not made here, or was changed')
  c.header('Referrer-Policy', 'no-referrer')
  return grant
}
