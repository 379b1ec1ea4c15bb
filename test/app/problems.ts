import { expect } from 'vitest'

export interface ProblemJson {
  readonly status: number
  readonly code: string
  readonly detail: string
  readonly requestId: string
  readonly errors?: readonly { readonly path: string; readonly message: string }[]
}

/** The problem that an answer carries; fails the test unless it is one of this status and code, in every place the same. */
export async function expectProblem(answer: Response, status: number, code: string): Promise<ProblemJson> {
  const text = await answer.text()
  expect({ status: answer.status, text }).toMatchObject({ status })
  expect(answer.headers.get('content-type')).toBe('application/problem+json')
  const problem = JSON.parse(text) as ProblemJson
  expect(problem).toMatchObject({ type: 'about:blank', status, code })
  expect(problem.requestId).toBe(answer.headers.get('x-request-id'))
  expect(problem.detail).not.toBe('')
  return problem
}
