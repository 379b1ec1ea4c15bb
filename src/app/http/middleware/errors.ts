import type { ErrorHandler, NotFoundHandler } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { InvalidField } from '../../../domain/dataset/upload-report.ts'
import { InvalidCursor, InvalidKey, RangeNotSatisfiable, StoreUnavailable } from '../../../ports/errors.ts'
import type { Log } from '../../../ports/log.ts'
import type { AppEnv } from '../context.ts'
import { HttpError } from '../http-error.ts'
import { isProblemCode, type Problem, type ProblemCode, problemOf, problems } from '../problem.ts'

const defaultRetryAfterMs = 2_000

export interface Translated {
  readonly problem: Problem
  readonly headers: Record<string, string>
}

/** Any error as the problem that may leave the service. What is unknown becomes a bare 500. */
export function translate(error: unknown, requestId: string): Translated {
  const headers: Record<string, string> = {}
  if (error instanceof HttpError) Object.assign(headers, error.headers)
  if (error instanceof StoreUnavailable) {
    headers['Retry-After'] = Math.ceil((error.retryAfterMs ?? defaultRetryAfterMs) / 1000).toString()
  }
  if (error instanceof RangeNotSatisfiable) headers['Content-Range'] = `bytes */${error.sizeBytes}`
  const code = codeOf(error)
  const detail = code === 'internal-error' || !(error instanceof Error) ? undefined : error.message
  return { problem: problemOf(code, detail, requestId, faultsOf(error)), headers }
}

/** The fields of the request that are to blame. */
function faultsOf(error: unknown): Problem['errors'] {
  if (error instanceof HttpError) return error.errors
  if (error instanceof InvalidField) return [{ path: error.field, message: error.message }]
  if (error instanceof InvalidKey) return [{ path: 'key', message: error.message }]
  if (error instanceof InvalidCursor) return [{ path: 'cursor', message: error.message }]
  return undefined
}

function codeOf(error: unknown): ProblemCode {
  const code: unknown = (error as { code?: unknown } | undefined)?.code
  if (isProblemCode(code)) return code
  // Hono's own, for example a JSON body that does not parse.
  if (error instanceof HTTPException && error.status < 500) return 'invalid-request'
  return 'internal-error'
}

export function onError(log: Log): ErrorHandler<AppEnv> {
  return (error, c) => {
    const requestId = c.get('requestId') ?? ''
    const { problem, headers } = translate(error, requestId)
    // A client that left makes our own calls fail: nobody reads the answer, and nothing is wrong with us.
    const left = c.get('signal')?.aborted === true
    if (problem.status >= 500 && !left) log.error('request-failed', { requestId, code: problem.code, error })
    return c.json(problem, problems[problem.code as ProblemCode].status, {
      ...headers,
      'Content-Type': 'application/problem+json',
    })
  }
}

export const onNotFound: NotFoundHandler<AppEnv> = (c) =>
  c.json(problemOf('not-found', 'no such path', c.get('requestId') ?? ''), 404, {
    'Content-Type': 'application/problem+json',
  })
