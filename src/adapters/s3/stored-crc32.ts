import type { ObjectKey } from '../../ports/object-key.ts'
import type { CallOptions, Crc32Piece, ETag } from '../../ports/object-store.ts'
import { etagFrom, type S3Bucket } from './bucket.ts'
import { Absent, isRefusal } from './errors.ts'
import { signedRead } from './signed-read.ts'
import { crc32From, storedParts } from './stored-parts.ts'

/** A store that told none of so many objects in a row is not asked about small ones any more. */
const inVainMax = 16
/** From here on a question costs nothing beside reading the object. */
const alwaysAskedBytes = 8 * 2 ** 20

/** The port's `storedCrc32`: one HEAD, and a list of the parts where the checksum is one of the parts' checksums. */
export async function storedCrc32(
  bucket: S3Bucket,
  key: ObjectKey,
  { ifMatch, sizeBytes, signal }: CallOptions & { ifMatch: ETag; sizeBytes: number },
): Promise<readonly Crc32Piece[] | undefined> {
  signal.throwIfAborted()
  const { learned } = bucket
  if ((learned.checksumsInVain ?? 0) >= inVainMax && sizeBytes < alwaysAskedBytes) return undefined
  const headers = await headersWithChecksums(bucket, key, signal)
  if (tellAny(headers)) learned.checksumsInVain = undefined
  else if (learned.checksumsInVain !== undefined) learned.checksumsInVain += 1
  const told = headers.get('x-amz-checksum-crc32')
  if (told === null) return undefined
  const isThatVersion = etagFrom(headers.get('etag') ?? undefined) === ifMatch
  if (!isThatVersion || headers.get('content-length') !== `${sizeBytes}`) return undefined
  if (areOfParts(headers)) return storedParts(bucket, key, { ifMatch, sizeBytes, signal })
  const crc32 = crc32From(told)
  return crc32 === undefined ? undefined : [{ sizeBytes, crc32 }]
}

/** None where there is no such object, or the question is not allowed: for keys of KMS it needs a right of its own. */
async function headersWithChecksums(bucket: S3Bucket, key: ObjectKey, signal: AbortSignal): Promise<Headers> {
  try {
    const asking = { 'x-amz-checksum-mode': 'ENABLED' }
    return (await signedRead(bucket, key, { method: 'HEAD', headers: asking, signal })).headers
  } catch (error) {
    if (isRefusal(error) || error instanceof Absent) return new Headers()
    throw error
  }
}

/** Of any algorithm. */
const tellAny = (headers: Headers): boolean => [...headers.keys()].some((name) => name.startsWith('x-amz-checksum-'))

/** Servers from before 2025 do not name the type, but end the checksum, or at least the ETag, in the number of parts. */
function areOfParts(headers: Headers): boolean {
  const type = headers.get('x-amz-checksum-type')
  if (type !== null) return type !== 'FULL_OBJECT'
  return /-\d+$/.test(headers.get('x-amz-checksum-crc32') ?? '') || /-\d+"?$/.test(headers.get('etag') ?? '')
}
