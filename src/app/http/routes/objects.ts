import * as z from 'zod'
import { deletePrefix } from '../../../domain/object/delete-objects.ts'
import { listObjects } from '../../../domain/object/list-objects.ts'
import { isPublic, parsePublicKey } from '../../../domain/object/public-key.ts'
import { storeObject } from '../../../domain/object/store-object.ts'
import type { ObjectReceipt, WriteObjectDeps } from '../../../domain/object/write-object.ts'
import { InvalidKey, PreconditionFailed } from '../../../ports/errors.ts'
import type { ObjectKey } from '../../../ports/object-key.ts'
import type { ETag } from '../../../ports/object-store.ts'
import type { Limits } from '../../config.ts'
import { announcedSha256 } from '../announced-digest.ts'
import type { AppContext } from '../context.ts'
import { quoted, writeCondition } from '../entity-tags.ts'
import { HttpError } from '../http-error.ts'
import { parseKeys } from '../parse-each.ts'
import { restOfPath } from '../path-key.ts'
import { announcedLength, bodyChunks } from '../request-body.ts'
import { demandScopes, type Route, route } from '../route.ts'
import { DeletedSchema, deletedJson } from '../schemas/deleted.ts'
import {
  Crc32Schema,
  KeySchema,
  pageQuery,
  problemResponse,
  Sha256Schema,
  SizeSchema,
  TimeSchema,
} from '../schemas/fields.ts'
import { serveObject } from '../serve-object.ts'

const ReceiptSchema = z.object({
  key: KeySchema,
  size: SizeSchema,
  etag: z.string(),
  crc32: Crc32Schema,
  sha256: Sha256Schema,
  contentType: z.string(),
})

const ListingSchema = z.object({
  objects: z.array(z.object({ key: KeySchema, size: SizeSchema, etag: z.string(), lastModified: TimeSchema })),
  prefixes: z.array(z.string()),
  nextCursor: z.string().nullable(),
})

const keyParams = z.object({ key: z.string() })

export function objectRoutes(deps: WriteObjectDeps & { limits: Limits }): Route[] {
  const { store, limits } = deps

  const put = route(
    {
      method: 'put',
      path: '/v1/objects/{key+}',
      operationId: 'putObject',
      tag: 'objects',
      summary: 'Store one object',
      scope: 'write',
      params: keyParams,
      body: 'application/octet-stream',
      headers: {
        'If-Match': 'replace only this version',
        'If-None-Match': '`*`: store only when the key is free',
        'Content-Digest': 'sha-256=:<base64>:, checked before the object appears',
      },
      responses: {
        200: { description: 'replaced', json: ReceiptSchema },
        201: { description: 'created', json: ReceiptSchema },
        400: problemResponse,
        412: problemResponse,
        413: problemResponse,
      },
    },
    async (c) => {
      const { signal } = c.var
      const key = keyOfPath(c)
      // RFC 9110 §14.5: taking a part for the whole would replace the object by a fragment.
      if (c.req.header('content-range') !== undefined) throw new HttpError('invalid-request', 'PUT takes whole objects')
      const condition = writeCondition({
        ifMatch: c.req.header('if-match'),
        ifNoneMatch: c.req.header('if-none-match'),
      })
      const sizeBytes = announcedLength(c, limits.maxUploadBytes)
      const sha256 = announcedSha256([c.req.header('content-digest'), c.req.header('repr-digest')])
      const contentType = contentTypeOf(c)
      const before = await store.head(key, { signal })
      // A condition that fails already is answered before the body is read.
      if (condition === 'exists' && before === undefined) throw new PreconditionFailed('there is no such object')
      if (condition === 'if-absent' && before !== undefined) throw new PreconditionFailed('there is such an object')
      if (typeof condition === 'object' && before?.etag !== condition.ifMatch) {
        throw new PreconditionFailed('another version is stored')
      }
      const receipt = await storeObject(deps, key, bodyChunks(c, sizeBytes), {
        contentType,
        when: condition === 'exists' ? { ifMatch: before?.etag as ETag } : condition,
        maxBytes: limits.maxUploadBytes,
        windowBytes: limits.uploadWindowBytes,
        sizeBytes,
        sha256,
        signal,
      })
      return c.json(receiptJson(receipt), before === undefined ? 201 : 200, { ETag: quoted(receipt.etag) })
    },
  )

  const get = route(
    {
      method: 'get',
      path: '/v1/objects/{key+}',
      operationId: 'getObject',
      tag: 'objects',
      summary: 'Read one object, or a range of it (HEAD works too)',
      scope: 'read',
      params: keyParams,
      headers: {
        Range: 'one range of bytes',
        'If-Range': 'a strong ETag',
        'If-None-Match': 'ETags',
        'If-Match': 'ETags',
      },
      responses: {
        200: { description: 'the bytes', mediaType: 'application/octet-stream' },
        206: { description: 'the range', mediaType: 'application/octet-stream' },
        304: { description: 'not changed' },
        404: problemResponse,
        416: problemResponse,
      },
    },
    async (c) => {
      const key = keyOfPath(c)
      return await serveObject(c, deps, key, {
        disposition: 'attachment',
        filename: key.slice(key.lastIndexOf('/') + 1),
      })
    },
  )

  const remove = route(
    {
      method: 'delete',
      path: '/v1/objects/{key+}',
      operationId: 'deleteObject',
      tag: 'objects',
      summary: 'Delete one object',
      scope: 'write',
      params: keyParams,
      headers: { 'If-Match': 'delete only this version' },
      responses: { 204: { description: 'gone, or never was' }, 412: problemResponse },
    },
    async (c) => {
      const { signal } = c.var
      const key = keyOfPath(c)
      const condition = writeCondition({ ifMatch: c.req.header('if-match'), ifNoneMatch: undefined })
      if (condition === 'exists' && (await store.head(key, { signal })) === undefined) {
        throw new PreconditionFailed('there is no such object')
      }
      const ifMatch = typeof condition === 'object' ? condition : {}
      const deleted = await store.delete(key, { signal, ...ifMatch })
      if (deleted.outcome === 'unknown') throw deleted.cause
      if (deleted.outcome === 'rejected') throw new PreconditionFailed('another version is stored')
      return c.body(null, 204)
    },
  )

  const list = route(
    {
      method: 'get',
      path: '/v1/objects',
      operationId: 'listObjects',
      tag: 'objects',
      summary: 'List objects in order of their keys',
      scope: 'read',
      query: z.object({ prefix: z.string().max(900).default(''), delimiter: z.literal('/').optional(), ...pageQuery }),
      responses: { 200: { description: 'one page', json: ListingSchema }, 400: problemResponse },
    },
    async (c, { query }) => {
      const { objects, prefixes, nextCursor } = await listObjects(store, {
        ...query,
        prefix: query.prefix.normalize('NFC'),
        signal: c.var.signal,
      })
      return c.json({ objects: objects.map(listedJson), prefixes, nextCursor: nextCursor ?? null })
    },
  )

  const deleteMany = route(
    {
      method: 'post',
      path: '/v1/objects/delete',
      operationId: 'deleteObjects',
      tag: 'objects',
      summary: 'Delete up to 1,000 objects, or everything below a prefix (scope admin)',
      scope: 'write',
      json: z.union([
        z.strictObject({ keys: z.array(z.string()).min(1).max(1000) }),
        z.strictObject({ prefix: z.string().min(1).max(900) }),
      ]),
      responses: { 200: { description: 'one result for each key', json: DeletedSchema }, 400: problemResponse },
    },
    async (c, { json }) => {
      const { signal } = c.var
      if ('prefix' in json) {
        demandScopes(c, 'admin')
        if (!isPublic(json.prefix)) throw new InvalidKey('a prefix begins with dataset/, files/ or results/')
        return c.json(deletedJson(await deletePrefix(store, json.prefix.normalize('NFC'), { signal }), c.var.requestId))
      }
      const keys = parseKeys(json.keys)
      return c.json(deletedJson(await store.deleteMany(keys, { signal }), c.var.requestId))
    },
  )

  return [deleteMany, list, put, get, remove]
}

function keyOfPath(c: AppContext): ObjectKey {
  return parsePublicKey(restOfPath(c, '/v1/objects/'))
}

function contentTypeOf(c: AppContext): string {
  const given = c.req.header('content-type')
  if (given === undefined) return 'application/octet-stream'
  if (!/^[\x21-\x7e][\x20-\x7e]{0,254}$/.test(given))
    throw new HttpError('invalid-request', 'Content-Type is not printable')
  return given
}

function receiptJson({ key, sizeBytes, etag, checksums, contentType }: ObjectReceipt): z.infer<typeof ReceiptSchema> {
  return { key, size: sizeBytes, etag, ...checksums, contentType }
}

function listedJson({
  key,
  sizeBytes,
  etag,
  lastModified,
}: {
  key: string
  sizeBytes: number
  etag: string
  lastModified: Date
}) {
  return { key, size: sizeBytes, etag, lastModified: lastModified.toISOString() }
}
