import { CodedError } from '../../ports/errors.ts'
import type { Problem, ProblemCode } from './problem.ts'

/** Something that only HTTP knows about: a token, a header, a media type. */
export class HttpError extends CodedError {
  readonly code: ProblemCode
  readonly errors: Problem['errors']
  readonly headers: Readonly<Record<string, string>>

  constructor(
    code: ProblemCode,
    detail: string,
    options: { errors?: Problem['errors']; headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(detail)
    this.code = code
    this.errors = options.errors
    this.headers = options.headers ?? {}
  }
}
