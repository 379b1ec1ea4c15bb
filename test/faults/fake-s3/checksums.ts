import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { md5 } from './bucket-state.ts'
import type { Quirks } from './profiles.ts'
import { headerOf, type S3Request } from './request.ts'
import { notImplemented, S3Error } from './s3-error.ts'

const algorithms: Record<string, (body: Uint8Array) => Buffer> = {
  crc32(body) {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32BE(crc32(body))
    return bytes
  },
  sha1: (body) => createHash('sha1').update(body).digest(),
  sha256: (body) => createHash('sha256').update(body).digest(),
}
const unknownAlgorithms = ['crc32c', 'crc64nvme']

export const crc32Of = (body: Uint8Array): string => Buffer.from(algorithms.crc32?.(body) ?? []).toString('base64')

/**
 * Compares the body with every checksum that came with it: 400 BadDigest, InvalidDigest, InvalidRequest. Returns those of
 * S3's own headers that hold, for the answer.
 */
export function demandChecksums(request: S3Request, { checksumHeaders }: Pick<Quirks, 'checksumHeaders'>) {
  demandContentMd5(request)
  if (checksumHeaders === 'ignored') return {}
  const holding: Record<string, string> = {}
  for (const algorithm of [...Object.keys(algorithms), ...unknownAlgorithms]) {
    const name = `x-amz-checksum-${algorithm}`
    const given = headerOf(request, name)
    if (given === undefined) continue
    if (checksumHeaders === 'refused')
      throw new S3Error(400, 'InvalidArgument', `Unsupported header '${name}' received for this API call.`)
    const digest = algorithms[algorithm]
    if (digest === undefined) throw notImplemented(name)
    const computed = digest(request.body)
    const bytes = Buffer.from(given, 'base64')
    if (bytes.byteLength !== computed.byteLength || bytes.toString('base64') !== given) {
      throw new S3Error(400, 'InvalidRequest', `Value for ${name} header is invalid.`)
    }
    if (!bytes.equals(computed)) {
      throw new S3Error(
        400,
        'BadDigest',
        `The ${algorithm.toUpperCase()} you specified did not match the calculated checksum.`,
      )
    }
    holding[name] = given
  }
  const announced = headerOf(request, 'x-amz-sdk-checksum-algorithm')
  // The SDK's name for Content-MD5, which was looked at above.
  if (announced === 'MD5' && headerOf(request, 'content-md5') !== undefined) return holding
  if (announced !== undefined && Object.keys(holding).length === 0) {
    throw new S3Error(
      400,
      'InvalidRequest',
      'x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.',
    )
  }
  return holding
}

function demandContentMd5(request: S3Request): void {
  const given = headerOf(request, 'content-md5')
  if (given === undefined) return
  const bytes = Buffer.from(given, 'base64')
  if (bytes.byteLength !== 16) throw new S3Error(400, 'InvalidDigest', 'The Content-MD5 you specified was invalid.')
  const computed = md5(request.body)
  if (bytes.equals(computed)) return
  throw new S3Error(400, 'BadDigest', 'The Content-MD5 you specified did not match what we received.', {
    details: { ExpectedDigest: given, CalculatedDigest: computed.toString('base64') },
  })
}
