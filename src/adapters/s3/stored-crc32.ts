import { HeadObjectCommand, type HeadObjectCommandOutput } from '@aws-sdk/client-s3'
import type { ObjectKey } from '../../ports/object-key.ts'
import type { CallOptions, Crc32Piece, ETag } from '../../ports/object-store.ts'
import { at, etagFrom, type S3Bucket, send } from './bucket.ts'
import { Absent, isRefusal } from './errors.ts'
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
  const answer = await headWithChecksums(bucket, key, signal)
  if (answer !== undefined && tellsAny(answer)) learned.checksumsInVain = undefined
  else if (learned.checksumsInVain !== undefined) learned.checksumsInVain += 1
  if (answer?.ChecksumCRC32 === undefined) return undefined
  if (etagFrom(answer.ETag) !== ifMatch || answer.ContentLength !== sizeBytes) return undefined
  if (isOfParts(answer)) return storedParts(bucket, key, { ifMatch, sizeBytes, signal })
  const crc32 = crc32From(answer.ChecksumCRC32)
  return crc32 === undefined ? undefined : [{ sizeBytes, crc32 }]
}

/** `undefined` where there is no such object, or the question is not allowed: for keys of KMS it needs a right of its own. */
async function headWithChecksums(
  bucket: S3Bucket,
  key: ObjectKey,
  signal: AbortSignal,
): Promise<HeadObjectCommandOutput | undefined> {
  const command = new HeadObjectCommand({ ...at(bucket, key), ChecksumMode: 'ENABLED' })
  try {
    return await send(signal, (options) => bucket.client.send(command, options))
  } catch (error) {
    if (isRefusal(error) || error instanceof Absent) return undefined
    throw error
  }
}

function tellsAny(answer: HeadObjectCommandOutput): boolean {
  const { ChecksumCRC32, ChecksumCRC32C, ChecksumCRC64NVME, ChecksumSHA1, ChecksumSHA256 } = answer
  return [ChecksumCRC32, ChecksumCRC32C, ChecksumCRC64NVME, ChecksumSHA1, ChecksumSHA256].some(
    (told) => told !== undefined,
  )
}

/** Servers from before 2025 do not name the type, but end the checksum, or at least the ETag, in the number of parts. */
function isOfParts({ ChecksumType, ChecksumCRC32, ETag }: HeadObjectCommandOutput): boolean {
  if (ChecksumType !== undefined) return ChecksumType !== 'FULL_OBJECT'
  return /-\d+$/.test(ChecksumCRC32 ?? '') || /-\d+"?$/.test(ETag ?? '')
}
