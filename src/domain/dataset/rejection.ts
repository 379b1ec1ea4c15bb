import { CodedError } from '../../ports/errors.ts'

export type RejectionCode =
  | 'unsupported-type'
  | 'invalid-name'
  | 'duplicate-name'
  | 'too-large'
  | 'empty'
  | 'image-unreadable'
  | 'image-truncated'
  | 'image-too-small'
  | 'image-too-large'
  | 'type-mismatch'
  | 'caption-not-utf8'
  | 'caption-blank'
  | 'config-invalid'
  | 'too-many-files'

/** One training file is not accepted. The message is for the person who sent it: what was found and what was expected. */
export class FileRejected extends CodedError {
  readonly code: RejectionCode

  constructor(code: RejectionCode, detail: string, options: { cause?: unknown } = {}) {
    super(detail, options)
    this.code = code
  }
}
