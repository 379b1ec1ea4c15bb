import * as z from 'zod'
import type { ResponseSpec, Route, RouteSpec } from './route.ts'
import { problemResponse } from './schemas/fields.ts'

type Json = Record<string, unknown>

/** The OpenAPI 3.1 document of these routes, from the same schemas that validate their requests. */
export function openApiDocument(routes: readonly Route[], options: { version: string; serverUrl: string }): Json {
  const paths: Record<string, Json> = {}
  for (const { spec } of routes) {
    const path = spec.path.replace('+}', '}')
    paths[path] = { ...paths[path], [spec.method]: operation(spec) }
  }
  return {
    openapi: '3.1.0',
    jsonSchemaDialect: 'https://json-schema.org/draft/2020-12/schema',
    info: {
      title: 'Lora Storage',
      version: options.version,
      description:
        'Datasets, processes, results and zip exports for people who train LoRAs. Errors are application/problem+json; act on `code`.',
    },
    servers: [{ url: options.serverUrl }],
    components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } },
    paths,
  }
}

function operation(spec: RouteSpec): Json {
  const { operationId, tag, summary, description, scope, responses } = spec
  return {
    operationId,
    tags: [tag],
    summary,
    ...(description === undefined ? {} : { description }),
    ...(scope === 'open' ? { security: [] } : { security: [{ bearer: [] }], 'x-scope': scope }),
    parameters: [
      ...parameters('path', spec.params),
      ...parameters('query', spec.query),
      ...Object.entries(spec.headers ?? {}).map(([name, meaning]) => ({
        in: 'header',
        name,
        description: meaning,
        schema: { type: 'string' },
      })),
    ],
    ...requestBody(spec),
    responses: {
      ...Object.fromEntries(Object.entries(responses).map(([status, response]) => [status, responseOf(response)])),
      ...(scope === 'open' ? {} : { 401: responseOf(problemResponse), 403: responseOf(problemResponse) }),
      default: responseOf(problemResponse),
    },
  }
}

function parameters(place: 'path' | 'query', schema: z.ZodObject | undefined): Json[] {
  if (schema === undefined) return []
  const { properties = {}, required = [] } = jsonSchema(schema, 'input') as { properties?: Json; required?: string[] }
  return Object.entries(properties).map(([name, property]) => ({
    in: place,
    name,
    required: place === 'path' || required.includes(name),
    schema: property,
  }))
}

function requestBody({ json, body }: RouteSpec): Json {
  if (json !== undefined) {
    return { requestBody: { required: true, content: { 'application/json': { schema: jsonSchema(json, 'input') } } } }
  }
  if (body !== undefined) {
    const schema = body === 'multipart/form-data' ? { type: 'object' } : { type: 'string', format: 'binary' }
    return { requestBody: { required: true, content: { [body]: { schema } } } }
  }
  return {}
}

function responseOf({ description, json, mediaType }: ResponseSpec): Json {
  const content: Json = {}
  if (json !== undefined) {
    const type = description === 'problem+json' ? 'application/problem+json' : 'application/json'
    content[type] = { schema: jsonSchema(json, 'output') }
  }
  if (mediaType !== undefined) content[mediaType] = { schema: { type: 'string', format: 'binary' } }
  return Object.keys(content).length === 0 ? { description } : { description, content }
}

function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): unknown {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { target: 'draft-2020-12', io, unrepresentable: 'any' })
  return rest
}
