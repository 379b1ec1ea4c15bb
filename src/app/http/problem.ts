import type { ContentfulStatusCode } from 'hono/utils/http-status'

/** RFC 9457. `code` is stable and is what programs read; `detail` is for people. */
export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly code: string
  readonly detail: string
  readonly requestId: string
  readonly errors?: readonly { readonly path: string; readonly message: string }[]
}

interface Row {
  readonly status: ContentfulStatusCode
  readonly title: string
}

/** Every code that can leave the service, with its status. The one place where errors become HTTP. */
export const problems = {
  'invalid-request': { status: 400, title: 'The request is not valid' },
  'invalid-key': { status: 400, title: 'The key is not valid' },
  'invalid-name': { status: 400, title: 'The name is not valid' },
  'invalid-cursor': { status: 400, title: 'The cursor is not valid' },
  'malformed-form': { status: 400, title: 'The form is not well formed' },
  'digest-mismatch': { status: 400, title: 'The body does not have the announced digest' },
  'body-incomplete': { status: 400, title: 'The body does not have the announced length' },
  unauthenticated: { status: 401, title: 'A token is needed' },
  forbidden: { status: 403, title: 'Not allowed' },
  'link-invalid': { status: 403, title: 'The link is not valid' },
  'link-expired': { status: 403, title: 'The link has expired' },
  'not-found': { status: 404, title: 'Not found' },
  'upload-not-found': { status: 404, title: 'No such upload' },
  conflict: { status: 409, title: 'Conflict' },
  'key-conflict': { status: 409, title: 'A file stands where a folder is needed, or the reverse' },
  'already-claimed': { status: 409, title: 'Already claimed' },
  fenced: { status: 409, title: 'This attempt no longer holds the process' },
  'illegal-transition': { status: 409, title: 'Not possible in the present status' },
  'export-stale': { status: 409, title: 'An object of the export has changed' },
  'precondition-failed': { status: 412, title: 'The precondition does not hold' },
  'too-large': { status: 413, title: 'Too large' },
  'too-many-parts': { status: 413, title: 'Too many parts' },
  'export-too-large': { status: 413, title: 'The export is too large' },
  'unsupported-type': { status: 415, title: 'Unsupported media type' },
  'range-not-satisfiable': { status: 416, title: 'The range is not satisfiable' },
  unprocessable: { status: 422, title: 'Nothing of it could be used' },
  'invalid-parts': { status: 422, title: 'The parts do not make the object' },
  'export-empty': { status: 422, title: 'The export is empty' },
  'internal-error': { status: 500, title: 'Internal error' },
  'export-checksum-missing': { status: 500, title: 'A checksum of the export is missing' },
  'export-corrupt': { status: 500, title: 'An object of the export does not have its checksum' },
  'export-manifest-broken': { status: 500, title: 'The export is damaged' },
  'state-unreadable': { status: 500, title: 'The process state is damaged' },
  'unsupported-by-store': { status: 501, title: 'The store cannot do this' },
  'store-denied': { status: 502, title: 'The store refused us' },
  'store-misbehaved': { status: 502, title: 'The store answered nonsense' },
  'store-unavailable': { status: 503, title: 'The store is not available' },
  'not-configured': { status: 503, title: 'The service is not configured' },
  'store-full': { status: 507, title: 'The store is full' },
} as const satisfies Record<string, Row>

export type ProblemCode = keyof typeof problems

export function isProblemCode(code: unknown): code is ProblemCode {
  return typeof code === 'string' && Object.hasOwn(problems, code)
}

/** Codes whose own message may tell how the service is set up, so that only the title leaves. */
const silent: ReadonlySet<string> = new Set([
  'internal-error',
  'store-denied',
  'store-misbehaved',
  'store-unavailable',
  'store-full',
  'state-unreadable',
])

export function problemOf(
  code: ProblemCode,
  detail: string | undefined,
  requestId: string,
  errors?: Problem['errors'],
): Problem {
  const { status, title } = problems[code]
  return {
    type: 'about:blank',
    title,
    status,
    code,
    detail: detail === undefined || silent.has(code) ? title : detail,
    requestId,
    ...(errors === undefined ? {} : { errors }),
  }
}
