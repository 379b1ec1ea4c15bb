import { MalformedForm, NotFormData } from './errors.ts'
import { parseHeaderValue } from './header-value.ts'

/** RFC 2046 §5.1.1: 1 to 70 characters, the last of them not a space. */
const boundary = /^[\x20-\x7e]{0,69}[\x21-\x7e]$/

/** The boundary that a Content-Type header announces. Throws `NotFormData` or, without a usable boundary, `MalformedForm`. */
export function formBoundary(contentType: string): string {
  const { value, parameters } = parseHeaderValue(contentType)
  if (value !== 'multipart/form-data') throw new NotFormData('the body must be multipart/form-data')
  const given = parameters.get('boundary')
  if (given === undefined) throw new MalformedForm('the Content-Type names no boundary')
  if (!boundary.test(given)) throw new MalformedForm('the boundary must have 1 to 70 visible characters')
  return given
}
