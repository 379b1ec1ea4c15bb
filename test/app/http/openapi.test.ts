import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { contentType } from '../../adapters/busboy/forms.ts'
import { createService, publicUrl, type RequestOptions, type Service } from '../memory-service.ts'
import { caption, formBytes, image } from './uploads.ts'

interface Media {
  readonly schema: Record<string, unknown>
}

interface Operation {
  readonly operationId: string
  readonly tags: readonly string[]
  readonly summary: string
  readonly security: readonly Record<string, readonly string[]>[]
  readonly parameters: readonly {
    readonly in: string
    readonly name: string
    readonly required?: boolean
    readonly schema: object
  }[]
  readonly requestBody?: { readonly content: Record<string, Media> }
  readonly responses: Record<string, { readonly description: string; readonly content?: Record<string, Media> }>
}

interface Document {
  readonly openapi: string
  readonly jsonSchemaDialect: string
  readonly info: { readonly title: string; readonly version: string }
  readonly servers: readonly { readonly url: string }[]
  readonly components: { readonly securitySchemes: Record<string, unknown> }
  readonly paths: Record<string, Record<string, Operation>>
}

async function documentOf(service: Service): Promise<Document> {
  const answer = await service.request('/openapi.json')
  expect(answer.status).toBe(200)
  expect(answer.headers.get('content-type')).toMatch(/^application\/json/)
  return (await answer.json()) as Document
}

const operationsOf = (document: Document) =>
  Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ path, method, operation })),
  )

const document = await documentOf(createService())

describe('the document', () => {
  it('says what it is, and where the service is', () => {
    expect(document.openapi).toBe('3.1.0')
    expect(document.jsonSchemaDialect).toBe('https://json-schema.org/draft/2020-12/schema')
    expect(document.info).toMatchObject({ title: 'Lora Storage', version: expect.stringMatching(/^\d+\.\d+\.\d+/) })
    expect(document.servers).toEqual([{ url: publicUrl }])
    expect(document.components.securitySchemes).toEqual({ bearer: { type: 'http', scheme: 'bearer' } })
  })

  it('is the same whatever was asked before', async () => {
    const service = createService()
    const first = await documentOf(service)
    await service.request('/v1/objects')
    expect(await documentOf(service)).toEqual(first)
  })

  it('has an operation id of its own for each call', () => {
    const ids = operationsOf(document).map(({ operation }) => operation.operationId)
    expect(new Set(ids).size).toBe(ids.length)
    expect(ids.filter((id) => !/^[a-z][A-Za-z]*$/.test(id))).toEqual([])
  })

  it.each(operationsOf(document))('describes $method $path whole', ({ path, method, operation }) => {
    expect(['get', 'put', 'post', 'delete', 'patch']).toContain(method)
    expect(path).toMatch(/^\/(?:[\w.-]+|\{\w+\})?(?:\/(?:[\w.-]+|\{\w+\}))*$/)
    expect(operation.summary).not.toBe('')
    expect(operation.tags).toHaveLength(1)
    const declared = operation.parameters.filter((parameter) => parameter.in === 'path')
    const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
    expect(declared.map(({ name }) => name).sort()).toEqual(named.sort())
    expect(declared.every(({ required, schema }) => required === true && 'type' in schema)).toBe(true)
    const seen = operation.parameters.map((parameter) => `${parameter.in} ${parameter.name}`)
    expect(new Set(seen).size).toBe(seen.length)
    expect(Object.keys(operation.responses).some((status) => /^2\d\d$/.test(status))).toBe(true)
    for (const [status, response] of Object.entries(operation.responses)) {
      expect(status).toMatch(/^(?:[2345]\d\d|default)$/)
      expect(response.description).not.toBe('')
      for (const [type, { schema }] of Object.entries(response.content ?? {})) {
        if (type.endsWith('json')) expect(() => z.fromJSONSchema(schema)).not.toThrow()
      }
    }
    for (const { schema } of Object.values(operation.requestBody?.content ?? {})) {
      expect(() => z.fromJSONSchema(schema)).not.toThrow()
    }
    expect('401' in operation.responses && '403' in operation.responses).toBe(operation.security.length > 0)
    expect(operation.responses.default?.content).toHaveProperty(['application/problem+json'])
    for (const each of operation.security) expect(each).toEqual({ bearer: [] })
  })
})

/** Asks, and checks that the answer is one that the document foretells for this call, to the last member. */
function tour(service: Service) {
  return async (
    method: string,
    template: string,
    status: number,
    options: RequestOptions & { query?: string; fill?: Record<string, string> } = {},
  ) => {
    const { query = '', fill = {}, ...init } = options
    const path = template.replace(/\{(\w+)\}/g, (_, name: string) => fill[name] ?? '')
    const answer = await service.request(`${path}${query}`, { ...init, method })
    const text = await answer.text()
    expect({ status: answer.status, text }).toMatchObject({ status })
    const foretold = document.paths[template]?.[method.toLowerCase()]?.responses[status]
    expect(foretold, `${method} ${template} ${status}`).toBeDefined()
    const type = answer.headers.get('content-type')?.split(';')[0] ?? ''
    const media = foretold?.content?.[type]
    if (foretold?.content === undefined) {
      expect(text).toBe('')
      return undefined
    }
    if (!type.endsWith('json')) return undefined
    expect(media, `${type} of ${method} ${template} ${status}`).toBeDefined()
    const json: unknown = JSON.parse(text)
    const checked = z.fromJSONSchema(media?.schema ?? {}).safeParse(json)
    expect(checked.error?.issues ?? [], `${method} ${template} ${status}`).toEqual([])
    // The tour goes on with what it found, as a client would.
    return json as Record<string, string> & { links: { url: string }[]; url: string }
  }
}

describe('what is answered', () => {
  it('about objects and links is as the document says', async () => {
    const call = tour(createService())
    const fill = { key: 'files/a.txt' }
    await call('PUT', '/v1/objects/{key}', 201, { fill, body: 'x' })
    await call('PUT', '/v1/objects/{key}', 200, { fill, body: 'y' })
    await call('PUT', '/v1/objects/{key}', 400, { fill, body: 'y', headers: { 'if-match': 'x' } })
    await call('PUT', '/v1/objects/{key}', 412, { fill, body: 'y', headers: { 'if-none-match': '*' } })
    await call('GET', '/v1/objects', 200, { query: '?prefix=files/' })
    await call('GET', '/v1/objects', 200, { query: '?delimiter=/&limit=1' })
    await call('GET', '/v1/objects', 400, { query: '?limit=x' })
    await call('GET', '/v1/objects/{key}', 404, { fill: { key: 'files/none' } })
    await call('GET', '/v1/objects/{key}', 416, { fill, headers: { range: 'bytes=9-' } })
    const made = await call('POST', '/v1/links', 200, { json: { keys: ['files/a.txt', 'files/none'] } })
    const [, , , token = '', filename = ''] = new URL(`${made?.links[0]?.url}`).pathname.split('/')
    await call('GET', '/v1/links/{token}/{filename}', 403, { fill: { token: 'x', filename } })
    await call('POST', '/v1/links', 400, { json: { keys: [] } })
    await call('POST', '/v1/objects/delete', 200, { json: { keys: ['files/a.txt'] } })
    await call('GET', '/v1/links/{token}/{filename}', 404, { fill: { token, filename } })
    await call('POST', '/v1/objects/delete', 400, { json: {} })
    await call('DELETE', '/v1/objects/{key}', 204, { fill })
    await call('DELETE', '/v1/objects/{key}', 412, { fill, headers: { 'if-match': '*' } })
  })

  it('about datasets is as the document says', async () => {
    const call = tour(createService())
    const fill = { dataset: 'matt' }
    const form = (parts: Parameters<typeof formBytes>[0]) => ({
      fill,
      body: formBytes(parts),
      headers: { 'content-type': contentType },
    })
    const files = '/v1/datasets/{dataset}/files'
    await call('POST', files, 200, form([{ field: 'triggerWord', value: 'ohwx' }, image('a.jpg'), caption('a.txt')]))
    await call('POST', files, 207, form([image('b.jpg'), image('small.jpg', 64)]))
    await call('POST', files, 422, form([image('small.jpg', 64)]))
    await call('POST', files, 400, { fill, body: 'x', headers: { 'content-type': contentType } })
    await call('GET', '/v1/datasets', 200)
    await call('GET', '/v1/datasets/{dataset}', 200, { fill })
    await call('DELETE', '/v1/datasets/{dataset}', 204, { fill })
    await call('GET', '/v1/datasets/{dataset}', 404, { fill })
  })

  it('about exports is as the document says', async () => {
    const service = createService({ env: { MAX_EXPORT_ENTRIES: '2' } })
    for (const name of ['a', 'b', 'c']) await service.request(`/v1/objects/files/${name}`, { method: 'PUT', body: 'x' })
    const call = tour(service)
    const include = [{ key: 'files/a' }, { key: 'files/none' }]
    const made = await call('POST', '/v1/exports', 201, { json: { include } })
    const fill = { id: `${made?.id}` }
    await call('GET', '/v1/exports/{id}', 200, { fill })
    await call('POST', '/v1/exports', 413, { json: { include: [{ prefix: 'files/' }] } })
    await call('POST', '/v1/exports', 422, { json: { include: [{ key: 'files/none' }] } })
    await call('DELETE', '/v1/exports/{id}', 204, { fill })
    await call('GET', '/v1/exports/{id}', 404, { fill })
  })

  it('about processes is as the document says', async () => {
    const call = tour(createService())
    const fill = { id: 'p1' }
    const config = { steps: 1, nested: [null, { a: true }] }
    await call('POST', '/v1/processes', 201, { json: { id: 'p1', type: 'training', dataset: 'matt', config } })
    await call('POST', '/v1/processes', 409, { json: { id: 'p1', type: 'training' } })
    await call('POST', '/v1/processes', 400, { json: {} })
    await call('GET', '/v1/processes/{id}', 200, { fill })
    await call('DELETE', '/v1/processes/{id}', 409, { fill })
    await call('POST', '/v1/processes/{id}/claim', 200, { fill, json: { worker: 'w1' } })
    await call('POST', '/v1/processes/{id}/claim', 409, { fill, json: { worker: 'w2' } })
    const report = {
      worker: 'w1',
      attempt: 1,
      seq: 1,
      status: 'running',
      step: 1,
      totalSteps: 3,
      metrics: { loss: 0.1 },
    }
    await call('POST', '/v1/processes/{id}/reports', 200, { fill, json: report })
    await call('POST', '/v1/processes/{id}/reports', 409, { fill, json: { ...report, attempt: 2 } })
    await call('POST', '/v1/processes/{id}/reports', 404, { fill: { id: 'none' }, json: report })
    await call('POST', '/v1/processes/{id}/cancel', 200, { fill })
    await call('GET', '/v1/processes', 200)
    const ended = { ...report, seq: 2, status: 'failed', error: { code: 'oom', message: 'out of memory' } }
    await call('POST', '/v1/processes/{id}/reports', 200, { fill, json: ended })
    await call('POST', '/v1/processes/{id}/cancel', 409, { fill })
    await call('GET', '/v1/processes/{id}', 200, { fill })
    await call('POST', '/v1/processes/{id}/retry', 200, { fill })
    await call('POST', '/v1/processes/{id}/retry', 409, { fill })
    await call('POST', '/v1/processes/{id}/cancel', 200, { fill })
    await call('DELETE', '/v1/processes/{id}', 204, { fill })
    await call('GET', '/v1/processes/{id}', 404, { fill })
  })

  it('to those who may not is as the document says', async () => {
    const call = tour(createService({ env: { API_TOKENS: 'reader-0123456789=read' } }))
    const json = { type: 'training' }
    await call('POST', '/v1/processes', 401, { json })
    await call('POST', '/v1/processes', 403, { json, headers: { authorization: 'Bearer reader-0123456789' } })
  })

  it('about the service is as the document says', async () => {
    const call = tour(createService())
    await call('GET', '/livez', 200)
    await call('GET', '/readyz', 200)
    await call('GET', '/v1/capabilities', 200)
    const down = async () => {
      throw new Error('down')
    }
    const broken = tour(createService({ wrap: (store) => ({ ...store, get: down }) }))
    await broken('GET', '/readyz', 503)
    await broken('GET', '/livez', 200)
  })
})

describe('a page', () => {
  it.each(['/', '/docs'])('%s is one file that reaches nothing but us', async (path) => {
    const answer = await createService().request(path)
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-type')).toMatch(/^text\/html; charset=utf-8/i)
    const policy = answer.headers.get('content-security-policy') ?? ''
    expect(policy).toContain("default-src 'none'")
    expect(policy).toContain("connect-src 'self'")
    expect(policy).toContain("frame-ancestors 'none'")
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
    const html = await answer.text()
    expect(html).toMatch(/^<!doctype html>/i)
    expect(html).not.toMatch(/(?:src|href)="https?:/)
  })

  it('of ours puts nothing from the service into markup', async () => {
    for (const path of ['/', '/docs']) {
      const html = await (await createService().request(path)).text()
      expect(html).not.toMatch(/innerHTML|insertAdjacentHTML|document\.write|eval\(/)
    }
  })
})
