import { CodedError } from '../../ports/errors.ts'

/** The body is not a whole multipart/form-data form. What was read of it may be cut off. */
export class MalformedForm extends CodedError {
  readonly code = 'malformed-form'
}

/** The body is something else than multipart/form-data. */
export class NotFormData extends CodedError {
  readonly code = 'unsupported-type'
}

/** A field or the headers of a part are longer than a limit. */
export class FormTooLarge extends CodedError {
  readonly code = 'too-large'
}

/** More fields, or more parts altogether, than a limit. */
export class TooManyParts extends CodedError {
  readonly code = 'too-many-parts'
}
