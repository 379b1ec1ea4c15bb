import { HttpError } from './http-error.ts'

/**
 * The SHA-256 that the client announces in `Content-Digest` or `Repr-Digest` (RFC 9530), as hex. Both may be given and
 * must then agree; other algorithms are ignored, as the RFC has it.
 */
export function announcedSha256(headers: readonly (string | undefined)[]): string | undefined {
  const found = new Set(headers.flatMap((header) => (header === undefined ? [] : sha256Of(header))))
  if (found.size > 1) throw new HttpError('invalid-request', 'Content-Digest and Repr-Digest disagree')
  return [...found][0]
}

function sha256Of(header: string): string[] {
  const encoded = /(?:^|,)\s*sha-256=:([A-Za-z0-9+/=]*):/.exec(header)?.[1]
  if (encoded === undefined) {
    if (/sha-256/i.test(header)) throw new HttpError('invalid-request', 'a digest is written sha-256=:<base64>:')
    return []
  }
  let binary = ''
  try {
    binary = atob(encoded)
  } catch {
    // Reported below: a digest that cannot be read has the wrong length too.
  }
  if (binary.length !== 32) throw new HttpError('invalid-request', 'a sha-256 digest has 32 bytes')
  return [Array.from(binary, (character) => character.charCodeAt(0).toString(16).padStart(2, '0')).join('')]
}
