import { LinkExpired, LinkInvalid } from '../../ports/errors.ts'
import type { LinkSigner, LinkVerifier } from '../../ports/link-signer.ts'
import { fromBase64Url, toBase64Url } from './base64url.ts'
import { decodeFields, encodeFields } from './grant-encoding.ts'

export interface LinkSecret {
  readonly keyId: string
  /** At least 32 random bytes. */
  readonly secret: Uint8Array<ArrayBuffer>
}

const maxTokenLength = 8192

/**
 * Signed URLs of our own: `{baseUrl}/v1/links/{token}/{filename}`, HMAC-SHA-256 over every field of the grant. The first
 * secret signs; all of them verify, so that links live on through a rotation until they expire.
 */
export function createHmacLinks(options: {
  baseUrl: string
  secrets: readonly LinkSecret[]
}): LinkSigner & LinkVerifier {
  const { baseUrl, secrets } = options
  const [signing] = secrets
  if (signing === undefined) throw new TypeError('at least one link secret is needed')

  return {
    async sign(grant) {
      const fields = encodeFields({ keyId: signing.keyId, grant })
      const key = await importKey(signing.secret)
      const mac = new Uint8Array(await crypto.subtle.sign('HMAC', key, fields))
      const token = `${toBase64Url(fields)}.${toBase64Url(mac)}`
      return `${baseUrl}/v1/links/${token}/${encodeURIComponent(grant.filename)}`
    },

    async verify(token, nowMs) {
      const invalid = () => new LinkInvalid('this link was not made here, or was changed')
      if (token.length > maxTokenLength) throw invalid()
      const [fieldsPart, macPart, ...more] = token.split('.')
      const bytes = fromBase64Url(fieldsPart ?? '')
      const mac = fromBase64Url(macPart ?? '')
      const fields = bytes && decodeFields(bytes)
      if (bytes === undefined || mac === undefined || fields === undefined || more.length > 0) throw invalid()
      const secret = secrets.find(({ keyId }) => keyId === fields.keyId)
      if (secret === undefined) throw invalid()
      // subtle.verify compares in constant time.
      if (!(await crypto.subtle.verify('HMAC', await importKey(secret.secret), mac, bytes))) throw invalid()
      if (nowMs >= fields.grant.expiresAt.getTime()) throw new LinkExpired('this link has expired')
      return fields.grant
    },
  }
}

async function importKey(secret: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  return await crypto.subtle.importKey('raw', secret, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign', 'verify'])
}
