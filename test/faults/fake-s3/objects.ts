import { type Answer, emptyAnswer, xmlAnswer } from './answer.ts'
import { type BucketState, commitObject, countUp, md5, type StoredObject } from './bucket-state.ts'
import { resolveByteRange } from './byte-range.ts'
import { demandChecksums } from './checksums.ts'
import { demandReadConditions, demandWriteConditions } from './conditions.ts'
import { headerOf, parameter, type RequestHead, type S3Request } from './request.ts'
import { invalidArgument, malformedXml, noSuchKey, preconditionFailed, S3Error } from './s3-error.ts'
import { branch, childText, leaf, parseXml } from './xml.ts'

export type ObjectRequest = S3Request & { readonly key: string }

const metadataBytesMax = 2048
const batchKeysMax = 1000
const keptHeaders = ['cache-control', 'content-disposition', 'content-encoding', 'content-language', 'expires']

export function putObject(request: ObjectRequest, state: BucketState): Answer {
  const { key, body } = request
  const checksums = demandChecksums(request, state.quirks)
  const facts = factsIn(request, state)
  demandWriteConditions(request, state, key, state.quirks.conditionalPut)
  const etag = md5(body).toString('hex')
  const type = Object.keys(checksums).length === 0 ? {} : { 'x-amz-checksum-type': 'FULL_OBJECT' }
  const headers = { ...facts.headers, ...checksums, ...type }
  commitObject(state, key, { ...facts, headers, body, etag, lastModifiedMs: state.nowMs() })
  return emptyAnswer(200, { etag: `"${etag}"`, ...checksums })
}

/** What is said of an object beside its bytes, as far as this server keeps it. */
export function factsIn(
  request: RequestHead,
  { quirks }: BucketState,
): Pick<StoredObject, 'contentType' | 'metadata' | 'headers'> {
  const names = [...Object.keys(request.headers), ...request.query.map(([name]) => name.toLowerCase())]
  const metadata: Record<string, string> = {}
  let metadataBytes = 0
  for (const name of new Set(names.filter((name) => name.startsWith('x-amz-meta-')))) {
    const value = headerOf(request, name)
    if (value === undefined) continue
    const short = name.slice('x-amz-meta-'.length)
    metadata[short] = value
    metadataBytes += Buffer.byteLength(short) + Buffer.byteLength(value)
  }
  if (metadataBytes > metadataBytesMax) {
    throw new S3Error(400, 'MetadataTooLarge', 'Your metadata headers exceed the maximum allowed metadata size')
  }
  if (!quirks.objectMetadata) return { contentType: undefined, metadata: {}, headers: {} }
  const headers: Record<string, string> = {}
  for (const name of keptHeaders) {
    const value = headerOf(request, name)
    if (value !== undefined) headers[name] = value
  }
  return { contentType: headerOf(request, 'content-type'), metadata, headers }
}

/** GetObject and HeadObject: the same answer, whose body is left out for HEAD. */
export function readObject(request: ObjectRequest, state: BucketState): Answer {
  const { quirks, objects } = state
  const object = objects.get(request.key)
  if (object === undefined) {
    if (quirks.absent === 'NoSuchKey') throw noSuchKey(request.key)
    throw new S3Error(400, 'InvalidArgument', 'object not found')
  }
  const { headDeniedEvery } = quirks
  if (request.method === 'HEAD' && headDeniedEvery > 0 && countUp(state, 'HeadObject') % headDeniedEvery === 0) {
    throw new S3Error(403, 'AccessDenied', 'Access Denied')
  }
  const headers = headersOf(object, state)
  demandReadConditions(request, object, { etag: `"${object.etag}"`, 'last-modified': headers['last-modified'] ?? '' })
  Object.assign(headers, overriddenHeaders(request))
  if (headerOf(request, 'x-amz-checksum-mode') !== 'ENABLED' || headerOf(request, 'range') !== undefined) {
    for (const name of Object.keys(headers)) if (name.startsWith('x-amz-checksum-')) delete headers[name]
  }
  const range = resolveByteRange(headerOf(request, 'range'), object.body.byteLength)
  if (range === undefined) return { status: 200, headers, body: object.body }
  const { first, last } = range
  headers['content-range'] = `bytes ${first}-${last}/${object.body.byteLength}`
  return { status: 206, headers, body: object.body.subarray(first, last + 1) }
}

function headersOf(object: StoredObject, { quirks }: BucketState): Record<string, string> {
  const headers: Record<string, string> = {
    'last-modified': httpDate(object.lastModifiedMs, quirks.lastModifiedZone),
    etag: `"${object.etag}"`,
    'accept-ranges': 'bytes',
    'content-type': object.contentType ?? 'binary/octet-stream',
    ...object.headers,
  }
  for (const [name, value] of Object.entries(object.metadata)) headers[`x-amz-meta-${name}`] = value
  return headers
}

/** `response-content-disposition` and its like, which rename headers of one answer. */
function overriddenHeaders({ query }: RequestHead): Record<string, string> {
  const overrides = query.filter(([name]) =>
    /^response-(?:cache-control|content-(?:disposition|encoding|language|type)|expires)$/.test(name),
  )
  return Object.fromEntries(overrides.map(([name, value]) => [name.slice('response-'.length), value]))
}

const httpDate = (ms: number, zone: string): string => new Date(ms).toUTCString().replace('GMT', zone)

export function deleteObject(request: ObjectRequest, state: BucketState): Answer {
  demandWriteConditions(request, state, request.key, state.quirks.conditionalDelete)
  state.objects.delete(request.key)
  return emptyAnswer(204)
}

export function deleteObjects(request: S3Request, state: BucketState): Answer {
  const { quirks, objects } = state
  if (quirks.deleteObjects === 'unsupported')
    throw new S3Error(501, 'NotImplemented', 'DeleteObjects is not implemented')
  const checksums = demandChecksums(request, quirks)
  if (headerOf(request, 'content-md5') === undefined) {
    if (quirks.deleteObjects === 'md5') {
      throw new S3Error(400, 'MissingContentMD5', 'Missing required header for this request: Content-Md5.')
    }
    if (Object.keys(checksums).length === 0 && quirks.checksumHeaders === 'verified') {
      throw new S3Error(
        400,
        'InvalidRequest',
        'Missing required header for this request: Content-MD5 OR x-amz-checksum-*',
      )
    }
  }
  const document = parseXml(Buffer.from(request.body).toString())
  const wanted = document.children.filter(({ name }) => name === 'Object')
  if (document.name !== 'Delete' || wanted.length === 0 || wanted.length > batchKeysMax) throw malformedXml()
  const quiet = childText(document, 'Quiet') === 'true'
  const results = wanted.map((element) => {
    const key = childText(element, 'Key')
    if (key === undefined || key === '') throw malformedXml()
    const etag = childText(element, 'ETag')?.replaceAll('"', '')
    return { key, refused: etag !== undefined && etag !== objects.get(key)?.etag }
  })
  for (const { key, refused } of results) if (!refused) objects.delete(key)
  const children = results.map(({ key, refused }) => {
    if (!refused) return quiet ? undefined : branch('Deleted', [leaf('Key', key)])
    const { code, message } = preconditionFailed('If-Match')
    return branch('Error', [leaf('Key', key), leaf('Code', code), leaf('Message', message)])
  })
  return xmlAnswer('DeleteResult', children, { named: quirks.xmlNamespace })
}

/** A whole number in the query; `fallback` when it is not there. Throws 400 InvalidArgument. */
export function wholeNumber(request: RequestHead, name: string, fallback: number, max: number): number {
  const given = parameter(request, name)
  if (given === undefined || given === '') return fallback
  if (!/^\d{1,10}$/.test(given))
    throw invalidArgument(`Provided ${name} not an integer or within integer range`, name, given)
  return Math.min(Number(given), max)
}
