import { CodedError } from '../ports/errors.ts'

/** The thing that was named does not exist. */
export class NotFound extends CodedError {
  readonly code = 'not-found'
}

/** A name that breaks the rules of its kind. */
export class InvalidName extends CodedError {
  readonly code = 'invalid-name'
}

/** More bytes, files or entries than a limit allows. Nothing was kept of what broke the limit. */
export class TooLarge extends CodedError {
  readonly code = 'too-large'
}

/** The bytes are not the ones that the sender announced. Nothing was stored. */
export class DigestMismatch extends CodedError {
  readonly code = 'digest-mismatch'
}

/** The body ended before, or went on after, its announced length. Nothing was stored. */
export class BodyIncomplete extends CodedError {
  readonly code = 'body-incomplete'
}
