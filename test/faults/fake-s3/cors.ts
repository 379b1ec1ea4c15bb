import type { Answer } from './answer.ts'
import type { RequestHead } from './request.ts'
import { S3Error } from './s3-error.ts'

/** One rule of a bucket's CORS configuration; any request header is allowed. */
export interface Cors {
  /** `*` for all. */
  readonly origins: readonly string[]
  readonly methods: readonly string[]
  readonly exposed: readonly string[]
}

/** The answer to OPTIONS. Throws 403 AccessForbidden where the rule does not allow it, or there is no rule. */
export function preflight({ headers }: RequestHead, cors: Cors | undefined): Answer {
  const { origin, 'access-control-request-method': method, 'access-control-request-headers': asked } = headers
  if (origin === undefined || method === undefined) {
    throw new S3Error(400, 'BadRequest', 'Insufficient information. Origin request header needed.')
  }
  const allowed = cors === undefined ? undefined : originHeaders(cors, origin, method)
  if (cors === undefined || allowed === undefined) {
    throw new S3Error(403, 'AccessForbidden', 'CORSResponse: This CORS request is not allowed.')
  }
  return {
    status: 200,
    headers: {
      ...allowed,
      'access-control-allow-methods': cors.methods.join(', '),
      ...(asked !== undefined && { 'access-control-allow-headers': asked }),
    },
    body: new Uint8Array(0),
  }
}

/** What an answer to that origin carries besides; nothing where the rule does not allow it. */
export function corsHeaders({ headers, method }: RequestHead, cors: Cors | undefined): Record<string, string> {
  if (cors === undefined || headers.origin === undefined) return {}
  return originHeaders(cors, headers.origin, method) ?? {}
}

function originHeaders(
  { origins, methods, exposed }: Cors,
  origin: string,
  method: string,
): Record<string, string> | undefined {
  if (!methods.includes(method)) return undefined
  const any = origins.includes('*')
  if (!any && !origins.includes(origin)) return undefined
  return {
    'access-control-allow-origin': any ? '*' : origin,
    'access-control-expose-headers': exposed.join(', '),
    vary: 'Origin, Access-Control-Request-Headers, Access-Control-Request-Method',
  }
}
