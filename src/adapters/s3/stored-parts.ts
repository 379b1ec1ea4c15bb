import { GetObjectAttributesCommand, type GetObjectAttributesCommandOutput } from '@aws-sdk/client-s3'
import { StoreMisbehaved } from '../../ports/errors.ts'
import type { ObjectKey } from '../../ports/object-key.ts'
import type { CallOptions, Crc32Piece, ETag } from '../../ports/object-store.ts'
import { at, etagFrom, type S3Bucket, send } from './bucket.ts'
import { Absent, isRefusal } from './errors.ts'

const partsPerPage = 1000
const pagesMax = 10
/** 1,000 parts with every checksum that there is are less than half of that. */
const pageBytesMax = 2 ** 20

/**
 * Lengths and CRC-32s of the parts that the version was joined from; they make up `sizeBytes`. `undefined` where one is
 * missing, or the server does not know the question. One request for each 1,000 parts.
 */
export async function storedParts(
  bucket: S3Bucket,
  key: ObjectKey,
  { ifMatch, sizeBytes, signal }: CallOptions & { ifMatch: ETag; sizeBytes: number },
): Promise<readonly Crc32Piece[] | undefined> {
  if (bucket.learned.partsUntold) return undefined
  const pieces: Crc32Piece[] = []
  let marker: string | undefined
  for (let pages = 0; pages < pagesMax; pages++) {
    const page = await partsPage(bucket, key, marker, signal)
    if (page === undefined || etagFrom(page.ETag) !== ifMatch) return undefined
    for (const { Size, ChecksumCRC32 } of page.ObjectParts?.Parts ?? []) {
      const crc32 = crc32From(ChecksumCRC32)
      if (Size === undefined || crc32 === undefined) return undefined
      pieces.push({ sizeBytes: Size, crc32 })
    }
    if (page.ObjectParts?.IsTruncated !== true) break
    marker = page.ObjectParts.NextPartNumberMarker
  }
  return pieces.reduce((sum, piece) => sum + piece.sizeBytes, 0) === sizeBytes ? pieces : undefined
}

async function partsPage(
  bucket: S3Bucket,
  key: ObjectKey,
  marker: string | undefined,
  signal: AbortSignal,
): Promise<GetObjectAttributesCommandOutput | undefined> {
  const command = new GetObjectAttributesCommand({
    ...at(bucket, key),
    ObjectAttributes: ['ETag', 'ObjectParts'],
    MaxParts: partsPerPage,
    PartNumberMarker: marker,
  })
  command.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args)
      const response = result.response as { statusCode: number; body?: ReadableStream<Uint8Array> }
      if (response.statusCode === 200 && response.body !== undefined) response.body = smallDocument(response.body)
      return result
    },
    // Between the network and the parser.
    { step: 'deserialize', priority: 'low', name: 'smallDocument' },
  )
  try {
    return await send(signal, (options) => bucket.client.send(command, options))
  } catch (error) {
    if (error instanceof Absent) return undefined
    if (!(isRefusal(error) || error instanceof StoreMisbehaved)) throw error
    bucket.learned.partsUntold = true
    return undefined
  }
}

/** Older servers do not know the question, take it for a GET, and send the object: gigabytes that the parser would hold. */
function smallDocument(body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  let bytes = 0
  const watch = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      const begins = bytes === 0 && chunk.byteLength > 0
      bytes += chunk.byteLength
      if ((begins && chunk[0] !== '<'.charCodeAt(0)) || bytes > pageBytesMax) {
        throw new StoreMisbehaved('the store sends something else than the attributes of the object')
      }
      controller.enqueue(chunk)
    },
  })
  return body.pipeThrough(watch)
}

/** Four bytes in base64, the highest first. */
export function crc32From(base64: string | undefined): number | undefined {
  if (base64 === undefined || !/^[A-Za-z0-9+/]{6}==$/.test(base64)) return undefined
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0)).reduce((sum, byte) => sum * 256 + byte, 0)
}
