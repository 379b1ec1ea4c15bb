import type { Checksums, PutOptions } from '../../ports/object-store.ts'

/** What the writer said of an object. */
export interface Facts {
  readonly contentType: string
  readonly checksums: Checksums | undefined
  readonly attributes: Readonly<Record<string, string>>
}

export const factsIn = ({ contentType, checksums, attributes = {} }: Omit<PutOptions, 'when'>): Facts => ({
  contentType,
  checksums,
  attributes,
})

const encoder = new TextEncoder()

/** `of` binds them: to a key, and to a version of it as soon as there is one. */
export function encodeFacts(
  of: { key: string; etag?: string },
  { contentType, checksums, attributes }: Facts,
): Uint8Array {
  return encoder.encode(JSON.stringify({ ...of, contentType, ...checksums, attributes }))
}

/** `undefined` where they are of another key or version, or not in the form that we write. */
export function decodeFacts(json: string, of: { key: string; etag?: string }): Facts | undefined {
  const found = parsed(json)
  if (found === undefined || found.key !== of.key || found.etag !== of.etag) return undefined
  const { contentType, crc32, sha256, attributes } = found
  if (typeof contentType !== 'string' || !isTexts(attributes)) return undefined
  return { contentType, checksums: checksumsFrom(crc32, sha256), attributes }
}

function parsed(json: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(json)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

function isTexts(value: unknown): value is Record<string, string> {
  return typeof value === 'object' && value !== null && Object.values(value).every((text) => typeof text === 'string')
}

function checksumsFrom(crc32: unknown, sha256: unknown): Checksums | undefined {
  if (typeof crc32 !== 'string' || typeof sha256 !== 'string') return undefined
  return /^[0-9a-f]{8}$/.test(crc32) && /^[0-9a-f]{64}$/.test(sha256) ? { crc32, sha256 } : undefined
}
