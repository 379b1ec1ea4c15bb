import { MalformedForm } from './errors.ts'
import { parseHeaderValue } from './header-value.ts'

export interface Disposition {
  readonly name: string
  /** As sent, paths included; empty when the sender chose no file; `undefined` for a field. */
  readonly fileName: string | undefined
}

/**
 * Reads the Content-Disposition of a part, given with one character for each byte. Names are UTF-8 with `%22`, `%0D` and
 * `%0A` for the three characters that browsers escape (HTML Standard, multipart/form-data encoding algorithm), and nothing
 * else is decoded. `filename*` (RFC 5987) wins over `filename`. Throws `MalformedForm`.
 */
export function parseDisposition(header: string): Disposition {
  const { value, parameters } = parseHeaderValue(header)
  if (value !== 'form-data') throw new MalformedForm('a part of the form is not form-data')
  const name = parameters.get('name')
  if (name === undefined) throw new MalformedForm('a part of the form has no name')
  const plain = parameters.get('filename')
  const extended = parameters.get('filename*')
  const decoded = extended === undefined ? undefined : decodeExtended(extended)
  if (extended !== undefined && decoded === undefined && plain === undefined) {
    throw new MalformedForm('a filename* of the form is malformed')
  }
  return { name: unescapeName(name), fileName: decoded ?? (plain === undefined ? undefined : unescapeName(plain)) }
}

const escapes: Readonly<Record<string, string>> = { '%22': '"', '%0D': '\r', '%0A': '\n' }

function unescapeName(binary: string): string {
  return decodeUtf8(bytesOf(binary)).replace(/%(?:22|0D|0A)/g, (code) => escapes[code] ?? code)
}

/** `charset'language'percent-encoded`, or `undefined` when it is not that. */
function decodeExtended(value: string): string | undefined {
  const [, charset = '', encoded = ''] = /^(utf-8|iso-8859-1)'[^']*'((?:[^%]|%[0-9a-f]{2})*)$/i.exec(value) ?? []
  if (charset === '') return undefined
  const binary = encoded.replace(/%(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  return charset.toLowerCase() === 'utf-8' ? decodeUtf8(bytesOf(binary)) : binary
}

function bytesOf(binary: string): Uint8Array {
  return Uint8Array.from(binary, (character) => character.charCodeAt(0))
}

/** Bytes that are not UTF-8 become U+FFFD, and nothing is dropped. */
export function decodeUtf8(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
}
