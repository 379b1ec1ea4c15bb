import type { LinkGrant } from '../../ports/link-signer.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true })

export interface SignedFields {
  readonly keyId: string
  readonly grant: LinkGrant
}

/**
 * The bytes that are signed: the fields one after the other, each behind its length in two bytes (big-endian), so that
 * no two different grants have the same bytes. The first field is the version of this encoding.
 */
export function encodeFields({ keyId, grant }: SignedFields): Uint8Array<ArrayBuffer> {
  const { purpose, subject, expiresAt, disposition, filename } = grant
  const seconds = Math.floor(expiresAt.getTime() / 1000).toString()
  const fields = ['v1', keyId, purpose, subject, seconds, disposition, filename].map((field) => encoder.encode(field))
  const bytes = new Uint8Array(fields.reduce((sum, field) => sum + 2 + field.byteLength, 0))
  let offset = 0
  for (const field of fields) {
    new DataView(bytes.buffer).setUint16(offset, field.byteLength)
    bytes.set(field, offset + 2)
    offset += 2 + field.byteLength
  }
  return bytes
}

/** The inverse; `undefined` for bytes that `encodeFields` would not have written. */
export function decodeFields(bytes: Uint8Array<ArrayBuffer>): SignedFields | undefined {
  const fields: string[] = []
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  try {
    for (let offset = 0; offset < bytes.byteLength; ) {
      const length = view.getUint16(offset)
      if (offset + 2 + length > bytes.byteLength) return undefined
      fields.push(decoder.decode(bytes.subarray(offset + 2, offset + 2 + length)))
      offset += 2 + length
    }
  } catch {
    return undefined
  }
  const [version, keyId, purpose, subject, seconds, disposition, filename, ...more] = fields
  if (version !== 'v1' || keyId === undefined || subject === undefined || filename === undefined || more.length > 0)
    return undefined
  if (purpose !== 'object' && purpose !== 'export' && purpose !== 'entries') return undefined
  if (disposition !== 'attachment' && disposition !== 'inline') return undefined
  if (seconds === undefined || !/^[1-9][0-9]{0,11}$/.test(seconds)) return undefined
  return { keyId, grant: { purpose, subject, expiresAt: new Date(Number(seconds) * 1000), disposition, filename } }
}
