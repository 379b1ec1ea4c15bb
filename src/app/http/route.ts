import { zValidator } from '@hono/zod-validator'
import type { Hono, MiddlewareHandler } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import * as z from 'zod'
import { TooLarge } from '../../domain/errors.ts'
import type { Scope } from '../config-values.ts'
import type { AppContext, AppEnv } from './context.ts'
import { HttpError } from './http-error.ts'
import { isProblemCode, type ProblemCode } from './problem.ts'

export type Method = 'get' | 'put' | 'post' | 'delete'

export interface ResponseSpec {
  readonly description: string
  /** A zod schema for JSON, a media type for bytes, or the one or the other; neither for an empty answer. */
  readonly json?: z.ZodType
  readonly mediaType?: string
}

/** What a route promises. The same value validates requests and makes the served OpenAPI document. */
export interface RouteSpec<
  Params extends z.ZodObject = z.ZodObject,
  Query extends z.ZodObject = z.ZodObject,
  Json extends z.ZodType = z.ZodType,
> {
  readonly method: Method
  /** As OpenAPI writes it: `/v1/datasets/{dataset}`. A parameter `{name+}` takes the rest of the path. */
  readonly path: string
  readonly operationId: string
  readonly tag: string
  readonly summary: string
  readonly description?: string
  readonly scope: Scope | 'open'
  readonly params?: Params
  readonly query?: Query
  readonly json?: Json
  /** The most that the JSON body may have. Default: room for 1,000 keys. */
  readonly jsonBytes?: number
  /** For bodies that are not JSON: the media type. */
  readonly body?: string
  /** Request headers worth telling about, with their meaning. */
  readonly headers?: Readonly<Record<string, string>>
  readonly responses: Readonly<Record<number, ResponseSpec>>
}

export interface RouteInput<Params, Query, Json> {
  readonly params: Params
  readonly query: Query
  readonly json: Json
}

export interface Route {
  readonly spec: RouteSpec
  readonly mount: (app: Hono<AppEnv>) => void
}

export function route<
  Params extends z.ZodObject = z.ZodObject<Record<never, never>>,
  Query extends z.ZodObject = z.ZodObject<Record<never, never>>,
  Json extends z.ZodType = z.ZodUndefined,
>(
  spec: RouteSpec<Params, Query, Json>,
  handle: (
    c: AppContext,
    input: RouteInput<z.infer<Params>, z.infer<Query>, z.infer<Json>>,
  ) => Response | Promise<Response>,
): Route {
  return {
    spec: spec as unknown as RouteSpec,
    mount(app) {
      const validators: MiddlewareHandler<AppEnv>[] = [demandScope(spec.scope)]
      if (spec.params !== undefined) validators.push(validate('param', spec.params))
      if (spec.query !== undefined) validators.push(validate('query', z.preprocess(withoutBlanks, spec.query)))
      if (spec.json !== undefined)
        validators.push(demandJson, limitJson(spec.jsonBytes ?? maxJsonBytes), validate('json', spec.json))
      const path = spec.path.replace(/\{(\w+)\}/g, ':$1').replace(/\{(\w+)\+\}/g, ':$1{.+}')
      app.on(spec.method.toUpperCase(), [path], ...validators, async (c: AppContext) => {
        const valid = <T>(target: 'param' | 'query' | 'json') => c.req.valid(target as never) as T
        return await handle(c, {
          params: valid('param'),
          query: valid('query'),
          json: valid('json'),
        })
      })
    },
  }
}

/** `?cursor=&limit=` says no more than nothing: forms and URL builders send blanks for what was left out. */
function withoutBlanks(query: unknown): unknown {
  return Object.fromEntries(Object.entries(query as Record<string, unknown>).filter(([, value]) => value !== ''))
}

function validate(target: 'param' | 'query' | 'json', schema: z.ZodType): MiddlewareHandler<AppEnv> {
  return zValidator(target, schema, (result) => {
    if (result.success) return
    const { issues } = result.error
    const errors = issues
      .slice(0, maxErrors)
      .map(({ path, message }) => ({ path: path.join('.'), message: shortened(message) }))
    const detail = shortened(errors.map(({ path, message }) => `${path}: ${message}`).join('; '))
    throw new HttpError(codeOf(issues), detail, { errors })
  }) as unknown as MiddlewareHandler<AppEnv>
}

/** What is wrong a thousand times over is no clearer for being said so often. */
const maxErrors = 100
const shortened = (text: string) => (text.length > 1000 ? `${text.slice(0, 999)}…` : text)

/** A single fault keeps the code that its own door gave it. */
function codeOf([issue, ...more]: readonly z.core.$ZodIssue[]): ProblemCode {
  const code: unknown = issue?.code === 'custom' && more.length === 0 ? issue.params?.code : undefined
  return isProblemCode(code) ? code : 'invalid-request'
}

const demandJson: MiddlewareHandler<AppEnv> = async (c, next) => {
  const type = c.req.header('content-type') ?? ''
  if (!/^application\/(?:[\w.+-]+\+)?json(?:\s*;|$)/i.test(type)) {
    throw new HttpError('unsupported-type', 'send Content-Type: application/json')
  }
  await next()
}

/** The longest valid request: 1,000 keys of 900 bytes, every character of them escaped. */
const maxJsonBytes = 6 * 2 ** 20

const limitJson = (maxSize: number) =>
  bodyLimit({
    maxSize,
    onError() {
      throw new TooLarge(`this JSON body has at most ${maxSize} bytes`)
    },
  })

function demandScope(scope: Scope | 'open'): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    if (scope !== 'open') demandScopes(c, scope)
    await next()
  }
}

/** `admin` may do everything. Throws 401 without a token and 403 with one that is not enough. */
export function demandScopes(c: AppContext, scope: Scope): void {
  const granted = c.var.scopes
  if (granted.includes('admin') || granted.includes(scope)) return
  if (granted.length === 0) {
    const given = c.req.header('authorization') !== undefined
    throw new HttpError('unauthenticated', given ? 'the token is not known' : 'send Authorization: Bearer <token>', {
      headers: { 'WWW-Authenticate': given ? 'Bearer error="invalid_token"' : 'Bearer' },
    })
  }
  throw new HttpError('forbidden', `the token lacks the scope ${scope}`)
}
