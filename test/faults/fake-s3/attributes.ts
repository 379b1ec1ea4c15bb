import { type Answer, xmlAnswer } from './answer.ts'
import type { BucketState } from './bucket-state.ts'
import type { ObjectRequest } from './objects.ts'
import { headerOf } from './request.ts'
import { noSuchKey, notImplemented } from './s3-error.ts'
import { branch, leaf } from './xml.ts'

const listedPartsMax = 1000
const partNumberMax = 10_000

/** GetObjectAttributes, as far as it is of the version and of the parts. Parts are shown where they have checksums. */
export function objectAttributes(request: ObjectRequest, { quirks, objects }: BucketState): Answer {
  if (quirks.checksumHeaders !== 'verified') throw notImplemented('GetObjectAttributes')
  const object = objects.get(request.key)
  if (object === undefined) throw noSuchKey(request.key)
  const max = number(request, 'x-amz-max-parts', listedPartsMax)
  const marker = number(request, 'x-amz-part-number-marker', partNumberMax) ?? 0
  const { parts = [] } = object
  const behind = parts.filter(({ partNumber }) => partNumber > marker)
  const page = behind.slice(0, max)
  const shown = [
    leaf('PartsCount', parts.length),
    leaf('PartNumberMarker', marker),
    leaf('NextPartNumberMarker', page.at(-1)?.partNumber ?? 0),
    leaf('MaxParts', max ?? listedPartsMax),
    leaf('IsTruncated', behind.length > page.length),
    ...page.map(({ partNumber, sizeBytes, crc32 }) =>
      branch('Part', [leaf('PartNumber', partNumber), leaf('Size', sizeBytes), leaf('ChecksumCRC32', crc32)]),
    ),
  ]
  const wanted = headerOf(request, 'x-amz-object-attributes') ?? ''
  const children = [
    wanted.includes('ETag') ? leaf('ETag', object.etag) : undefined,
    wanted.includes('ObjectParts') && parts.length > 0 ? branch('ObjectParts', shown) : undefined,
  ]
  return xmlAnswer('GetObjectAttributesResponse', children, { named: quirks.xmlNamespace })
}

function number(request: ObjectRequest, name: string, max: number): number | undefined {
  const given = headerOf(request, name)
  return given === undefined ? undefined : Math.min(Number(given), max)
}
