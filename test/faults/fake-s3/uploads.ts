import { type Answer, emptyAnswer, xmlAnswer } from './answer.ts'
import {
  type BucketState,
  commitObject,
  countUp,
  demandSpace,
  md5,
  type StoredPart,
  type Upload,
} from './bucket-state.ts'
import { crc32Of, demandChecksums } from './checksums.ts'
import { demandWriteConditions } from './conditions.ts'
import { factsIn, type ObjectRequest, wholeNumber } from './objects.ts'
import { headerOf, parameter } from './request.ts'
import { invalidArgument, malformedXml, S3Error } from './s3-error.ts'
import { branch, childText, leaf, parseXml } from './xml.ts'

const partNumberMax = 10_000
const listedPartsMax = 1000

export function createUpload(request: ObjectRequest, state: BucketState): Answer {
  const { key } = request
  const uploadId = state.nextId()
  const facts = factsIn(request, state)
  const checksumType = checksumTypeIn(request, state)
  const begun = { startedMs: state.nowMs(), parts: new Map(), merging: false }
  state.uploads.set(uploadId, { key, uploadId, facts, checksumType, ...begun })
  const children = [leaf('Bucket', state.name), leaf('Key', key), leaf('UploadId', uploadId)]
  return xmlAnswer('InitiateMultipartUploadResult', children, { named: state.quirks.xmlNamespace })
}

/** CRC-32 alone, and of the parts unless the request says otherwise, as Amazon has it. */
function checksumTypeIn(request: ObjectRequest, { quirks }: BucketState): Upload['checksumType'] {
  if (quirks.checksumHeaders !== 'verified' || headerOf(request, 'x-amz-checksum-algorithm') !== 'CRC32')
    return undefined
  return headerOf(request, 'x-amz-checksum-type') === 'FULL_OBJECT' ? 'FULL_OBJECT' : 'COMPOSITE'
}

export function uploadPart(request: ObjectRequest, state: BucketState): Answer {
  const given = parameter(request, 'partNumber') ?? ''
  const partNumber = Number(given)
  if (!/^\d+$/.test(given) || partNumber < 1 || partNumber > partNumberMax) {
    throw invalidArgument('Part number must be an integer between 1 and 10000, inclusive', 'partNumber', given)
  }
  const upload = openUpload(request, state)
  const checksums = demandChecksums(request, state.quirks)
  demandSpace(state, request.body.byteLength - (upload.parts.get(partNumber)?.body.byteLength ?? 0))
  const etag = md5(request.body).toString('hex')
  upload.parts.set(partNumber, { body: request.body, etag, lastModifiedMs: state.nowMs() })
  return emptyAnswer(200, { etag: `"${etag}"`, ...checksums })
}

export function listParts(request: ObjectRequest, state: BucketState): Answer {
  const { quirks } = state
  const upload = uploadShown(request, state)
  const max = wholeNumber(request, 'max-parts', listedPartsMax, listedPartsMax)
  const marker = wholeNumber(request, 'part-number-marker', 0, partNumberMax)
  const behind = [...upload.parts].filter(([number]) => number > marker).sort(([a], [b]) => a - b)
  const page = behind.slice(0, max)
  const children = [
    leaf('Bucket', state.name),
    leaf('Key', upload.key),
    leaf('UploadId', upload.uploadId),
    leaf('PartNumberMarker', marker),
    leaf('NextPartNumberMarker', page.at(-1)?.[0] ?? 0),
    leaf('MaxParts', max),
    leaf('IsTruncated', behind.length > page.length),
    ...page.map(([number, { etag, body, lastModifiedMs }]) =>
      branch('Part', [
        leaf('PartNumber', number),
        leaf('LastModified', new Date(lastModifiedMs).toISOString()),
        leaf('ETag', `"${etag}"`),
        leaf('Size', body.byteLength),
      ]),
    ),
  ]
  return xmlAnswer('ListPartsResult', children, { named: quirks.xmlNamespace })
}

export function abortUpload(request: ObjectRequest, state: BucketState): Answer {
  const upload = openUpload(request, state)
  close(state, upload, 'aborted', undefined)
  return emptyAnswer(204)
}

export function completeUpload(request: ObjectRequest, state: BucketState): Answer {
  const { quirks, closed } = state
  const past = closed.get(parameter(request, 'uploadId') ?? '')
  if (past?.how === 'completed' && quirks.completeTwice === 'same-answer' && past.upload.key === request.key) {
    return completed(request.key, past.etag ?? '', state)
  }
  if (past?.how === 'aborted' && quirks.completeAfterAbort === 'InternalError') {
    throw new S3Error(500, 'InternalError', 'This multipart completion is already in progress')
  }
  const upload = openUpload(request, state)
  if (upload.merging) throw stillMerging()
  const parts = demandedParts(request, upload, state)
  demandWriteConditions(request, state, upload.key, quirks.conditionalComplete)
  const { completeGoesOn } = quirks
  if (completeGoesOn !== undefined && countUp(state, 'CompleteMultipartUpload') % completeGoesOn.every === 0) {
    upload.merging = true
    state.later(completeGoesOn.mergeMs, () => join(upload, parts, state))
    throw stillMerging()
  }
  return completed(upload.key, join(upload, parts, state), state)
}

const stillMerging = () => new S3Error(524, 'Timeout', 'A timeout occurred')

/** Turns parts into the object, and gives its ETag. */
function join(upload: Upload, parts: readonly StoredPart[], state: BucketState): string {
  const etag = `${md5(Buffer.concat(parts.map((part) => Buffer.from(part.etag, 'hex')))).toString('hex')}-${parts.length}`
  const body = Buffer.concat(parts.map((part) => part.body))
  const checked = checksumsOfJoined(upload, parts, body)
  // The parts give their place to the object.
  state.uploads.delete(upload.uploadId)
  try {
    commitObject(state, upload.key, { ...upload.facts, ...checked, body, etag, lastModifiedMs: state.nowMs() })
  } catch (error) {
    state.uploads.set(upload.uploadId, upload)
    throw error
  }
  close(state, upload, 'completed', etag)
  return etag
}

function checksumsOfJoined({ facts, checksumType }: Upload, joined: readonly StoredPart[], body: Uint8Array) {
  if (checksumType === undefined) return {}
  const parts = joined.map((part, index) => ({
    partNumber: index + 1,
    sizeBytes: part.body.byteLength,
    crc32: crc32Of(part.body),
  }))
  const ofParts = crc32Of(Buffer.concat(parts.map(({ crc32 }) => Buffer.from(crc32, 'base64'))))
  const crc32 = checksumType === 'FULL_OBJECT' ? crc32Of(body) : `${ofParts}-${parts.length}`
  const headers = { ...facts.headers, 'x-amz-checksum-crc32': crc32, 'x-amz-checksum-type': checksumType }
  return { headers, parts }
}

function completed(key: string, etag: string, { name, quirks }: BucketState): Answer {
  const children = [
    leaf('Location', `http://127.0.0.1/${name}/${encodeURI(key)}`),
    leaf('Bucket', name),
    leaf('Key', key),
    leaf('ETag', quirks.completeNamesEtag ? `"${etag}"` : ''),
  ]
  return xmlAnswer('CompleteMultipartUploadResult', children, { named: quirks.xmlNamespace })
}

/** The parts that the request names, in its order. Throws MalformedXML, InvalidPartOrder, InvalidPart, EntityTooSmall. */
function demandedParts(request: ObjectRequest, upload: Upload, { quirks }: BucketState): StoredPart[] {
  const document = parseXml(Buffer.from(request.body).toString())
  const named = document.children.filter(({ name }) => name === 'Part')
  if (document.name !== 'CompleteMultipartUpload' || named.length === 0 || named.length > partNumberMax)
    throw malformedXml()
  const wanted = named.map((element) => {
    const number = childText(element, 'PartNumber')
    const etag = childText(element, 'ETag')
    if (number === undefined || etag === undefined || !/^\d+$/.test(number.trim())) throw malformedXml()
    return { number: Number(number), etag: etag.trim().replaceAll('"', '') }
  })
  const ascending = wanted.every(({ number }, i) => i === 0 || number > (wanted[i - 1]?.number ?? 0))
  if (!ascending && quirks.partOrderChecked) {
    throw new S3Error(
      400,
      'InvalidPartOrder',
      'The list of parts was not in ascending order. Parts must be ordered by part number.',
    )
  }
  if (!ascending) wanted.sort((a, b) => a.number - b.number)
  if (wanted.length > quirks.completablePartsMax) throw invalidPart(upload, 'part missing')
  const parts = wanted.map(({ number, etag }) => {
    const part = upload.parts.get(number)
    if (part === undefined || part.etag !== etag) {
      throw invalidPart(
        upload,
        'One or more of the specified parts could not be found. The part may not have been uploaded, or the specified entity tag may not match the part’s entity tag.',
        { PartNumber: String(number), ETag: etag },
      )
    }
    return part
  })
  demandPartSizes(parts, upload, quirks)
  return parts
}

function demandPartSizes(
  parts: readonly StoredPart[],
  upload: Upload,
  { equalParts, minPartBytes }: BucketState['quirks'],
): void {
  const allButLast = parts.slice(0, -1)
  for (const { body, etag } of allButLast) {
    if (body.byteLength < minPartBytes) {
      throw new S3Error(400, 'EntityTooSmall', 'Your proposed upload is smaller than the minimum allowed size', {
        details: { ProposedSize: String(body.byteLength), MinSizeAllowed: String(minPartBytes), ETag: etag },
      })
    }
  }
  const [first, last] = [parts[0], parts.at(-1)]
  if (!equalParts || first === undefined || last === undefined) return
  const unequal = allButLast.some(({ body }) => body.byteLength !== first.body.byteLength)
  if (unequal || last.body.byteLength > first.body.byteLength) {
    throw invalidPart(upload, 'All non-trailing parts must have the same length.')
  }
}

const invalidPart = ({ uploadId }: Upload, message: string, details: Record<string, string> = {}) =>
  new S3Error(400, 'InvalidPart', message, { details: { UploadId: uploadId, ...details } })

function openUpload(request: ObjectRequest, { uploads }: BucketState): Upload {
  const upload = uploads.get(parameter(request, 'uploadId') ?? '')
  if (upload === undefined || upload.key !== request.key) throw noSuchUpload(request)
  return upload
}

/** Also one that is over, as long as the profile goes on showing it. */
function uploadShown(request: ObjectRequest, state: BucketState): Upload {
  const uploadId = parameter(request, 'uploadId') ?? ''
  const past = state.closed.get(uploadId)
  if (past?.how === 'completed' && countUp(state, `ListParts of ${uploadId}`) <= state.quirks.stalePartLists) {
    return past.upload
  }
  try {
    return openUpload(request, state)
  } catch (error) {
    if (state.quirks.listPartsOfUnknown === 'NoSuchUpload') throw error
    throw new S3Error(404, 'NoSuchKey', 'The specified key does not exist.', { details: { Key: request.key } })
  }
}

const noSuchUpload = (request: ObjectRequest) =>
  new S3Error(
    404,
    'NoSuchUpload',
    'The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.',
    { details: { UploadId: parameter(request, 'uploadId') ?? '' } },
  )

function close(state: BucketState, upload: Upload, how: 'completed' | 'aborted', etag: string | undefined): void {
  state.uploads.delete(upload.uploadId)
  state.closed.set(upload.uploadId, { upload, how, etag })
}
