import type { Range } from '../../ports/object-store.ts'

/**
 * The one range of a `Range` header. `undefined` for several ranges, other units and malformed values: RFC 9110 §14.2 lets
 * a server ignore the header, and the whole is then the right answer.
 */
export function parseRange(header: string | undefined): Range | undefined {
  const match = header === undefined ? null : /^bytes\s*=\s*(\d{0,15})-(\d{0,15})$/i.exec(header.trim())
  if (match === null) return undefined
  const [, first = '', last = ''] = match
  if (first === '') return last === '' ? undefined : { suffixLength: Number(last) }
  if (last === '') return { offset: Number(first) }
  const length = Number(last) - Number(first) + 1
  return length <= 0 ? undefined : { offset: Number(first), length }
}
