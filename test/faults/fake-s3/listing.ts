import { type Answer, xmlAnswer } from './answer.ts'
import { type BucketState, countUp } from './bucket-state.ts'
import { wholeNumber } from './objects.ts'
import { parameter, type RequestHead } from './request.ts'
import { invalidArgument, S3Error } from './s3-error.ts'
import { branch, leaf } from './xml.ts'

const listedMax = 1000
const emptyMd5 = 'd41d8cd98f00b204e9800998ecf8427e'
const partFolder = '.s3compat_uploads/'

interface Listed {
  readonly key: string
  readonly sizeBytes: number
  readonly etag: string
  readonly lastModifiedMs: number
}

/** One line of a page: an object, or a beginning that several share. */
type Entry = { readonly name: string; readonly object: Listed | undefined }

export function listObjects(request: RequestHead, state: BucketState): Answer {
  const { quirks } = state
  const prefix = parameter(request, 'prefix') ?? ''
  const delimiter = parameter(request, 'delimiter') ?? ''
  const startAfter = parameter(request, 'start-after')
  const token = parameter(request, 'continuation-token')
  const max = wholeNumber(request, 'max-keys', listedMax, listedMax)
  const encode = encodingIn(request)
  demandTaken(request, quirks)

  const ignored = quirks.listPrefix === 'ignored-without-delimiter' && delimiter === ''
  const position = token === undefined ? { behindKey: startAfter } : { behindName: decodeToken(token) }
  const repeats =
    quirks.repeatsFirstToken && token !== undefined && countUp(state, `list ${prefix} by ${delimiter}`) === 1
  const all = repeats ? [] : entries(state, ignored ? '' : prefix, delimiter, position)
  const page = all.slice(0, max)
  const truncated = repeats || (max > 0 && all.length > page.length)
  const next = repeats ? token : encodeToken(page.at(-1)?.name ?? '')
  const children = [
    leaf('Name', state.name),
    leaf('Prefix', encode(prefix)),
    startAfter === undefined ? undefined : leaf('StartAfter', encode(startAfter)),
    token === undefined ? undefined : leaf('ContinuationToken', token),
    truncated ? leaf('NextContinuationToken', next) : undefined,
    leaf('KeyCount', page.length),
    leaf('MaxKeys', max),
    delimiter === '' ? undefined : leaf('Delimiter', encode(delimiter)),
    parameter(request, 'encoding-type') === undefined ? undefined : leaf('EncodingType', 'url'),
    leaf('IsTruncated', truncated),
    ...page.map(({ object }) => object && contents(object, encode)),
    ...page.map(({ name, object }) =>
      object === undefined ? branch('CommonPrefixes', [leaf('Prefix', encode(name))]) : undefined,
    ),
  ]
  return xmlAnswer('ListBucketResult', children, { named: quirks.xmlNamespace })
}

const contents = ({ key, lastModifiedMs, etag, sizeBytes }: Listed, encode: (text: string) => string) =>
  branch('Contents', [
    leaf('Key', encode(key)),
    leaf('LastModified', new Date(lastModifiedMs).toISOString()),
    leaf('ETag', `"${etag}"`),
    leaf('Size', sizeBytes),
    leaf('StorageClass', 'STANDARD'),
  ])

/** `start-after` leaves out keys, and a beginning with one key behind it is still shown; a token leaves out lines. */
interface Position {
  readonly behindKey?: string | undefined
  readonly behindName?: string | undefined
}

/** What lies under `prefix` and behind `position`, by UTF-8 bytes. */
function entries(state: BucketState, prefix: string, delimiter: string, { behindKey, behindName }: Position): Entry[] {
  const found = new Map<string, Entry>()
  for (const object of listed(state)) {
    if (!object.key.startsWith(prefix) || !isBehind(object.key, behindKey)) continue
    const cut = delimiter === '' ? -1 : object.key.indexOf(delimiter, prefix.length)
    const name = cut === -1 ? object.key : object.key.slice(0, cut + delimiter.length)
    const existing = found.get(name)
    if (existing === undefined) found.set(name, { name, object: cut === -1 ? object : undefined })
  }
  return [...found.values()]
    .filter(({ name }) => isBehind(name, behindName))
    .map((entry) => ({ entry, bytes: Buffer.from(entry.name) }))
    .sort((a, b) => a.bytes.compare(b.bytes))
    .map(({ entry }) => entry)
}

const isBehind = (name: string, mark: string | undefined): boolean =>
  mark === undefined || Buffer.from(name).compare(Buffer.from(mark)) > 0

/** Everything that this server takes for an object, in no order. */
function* listed({ objects, uploads, quirks }: BucketState): Generator<Listed> {
  const folders = new Map<string, number>()
  const files: Listed[] = []
  for (const [key, { body, etag, lastModifiedMs }] of objects) {
    files.push({ key, sizeBytes: body.byteLength, etag, lastModifiedMs })
  }
  if (quirks.listsPartFiles) {
    for (const { uploadId, parts } of uploads.values()) {
      for (const [number, { body, etag, lastModifiedMs }] of parts) {
        files.push({ key: `${partFolder}${uploadId}/${number}`, sizeBytes: body.byteLength, etag, lastModifiedMs })
      }
    }
  }
  yield* files
  if (!quirks.listsFolders) return
  for (const { key, lastModifiedMs } of files) {
    for (let slash = key.indexOf('/'); slash !== -1; slash = key.indexOf('/', slash + 1)) {
      folders.set(key.slice(0, slash + 1), lastModifiedMs)
    }
  }
  for (const [key, lastModifiedMs] of folders) yield { key, sizeBytes: 0, etag: emptyMd5, lastModifiedMs }
}

function demandTaken(request: RequestHead, { listRefuses }: BucketState['quirks']): void {
  const has = (name: string) => parameter(request, name) !== undefined
  for (const refused of listRefuses) {
    const there = refused === 'trailing-slash' ? parameter(request, 'prefix')?.endsWith('/') : has(refused)
    if (there) throw new S3Error(400, 'InvalidArgument', 'Invalid object path')
  }
}

/** How names are written: with `encoding-type=url` as Amazon does, a blank as `+` and slashes left alone. */
export function encodingIn(request: RequestHead): (text: string) => string {
  const type = parameter(request, 'encoding-type')
  if (type === undefined || type === '') return (text) => text
  if (type !== 'url') throw invalidArgument('Invalid Encoding Method specified in Request', 'encoding-type', type)
  return (text) =>
    encodeURIComponent(text)
      .replaceAll('%20', '+')
      .replaceAll('%2F', '/')
      .replace(/[!'()]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
}

const encodeToken = (after: string): string => Buffer.from(`1${after}`).toString('base64')

function decodeToken(token: string): string {
  const text = Buffer.from(token, 'base64').toString()
  if (!text.startsWith('1') || encodeToken(text.slice(1)) !== token) {
    throw invalidArgument('The continuation token provided is incorrect', 'continuation-token', token)
  }
  return text.slice(1)
}

/** Pages of the uploads that are open: by key, then by id. */
export function listUploads(request: RequestHead, state: BucketState): Answer {
  const prefix = parameter(request, 'prefix') ?? ''
  const keyMarker = parameter(request, 'key-marker') ?? ''
  const idMarker = parameter(request, 'upload-id-marker') ?? ''
  const max = wholeNumber(request, 'max-uploads', listedMax, listedMax)
  const encode = encodingIn(request)
  const order = (a: { key: string; uploadId: string }, b: { key: string; uploadId: string }) =>
    Buffer.from(a.key).compare(Buffer.from(b.key)) || Buffer.from(a.uploadId).compare(Buffer.from(b.uploadId))
  // Without an id, the marker's key is over and done with.
  const marker = { key: keyMarker, uploadId: idMarker === '' ? '\u{10ffff}' : idMarker }
  const behind = [...state.uploads.values()]
    .filter((upload) => upload.key.startsWith(prefix) && (keyMarker === '' || order(upload, marker) > 0))
    .sort(order)
  const page = behind.slice(0, max)
  const last = behind.length > page.length ? page.at(-1) : undefined
  const children = [
    leaf('Bucket', state.name),
    leaf('KeyMarker', encode(keyMarker)),
    leaf('UploadIdMarker', idMarker),
    leaf('NextKeyMarker', encode(last?.key ?? '')),
    leaf('NextUploadIdMarker', last?.uploadId ?? ''),
    leaf('Prefix', encode(prefix)),
    leaf('MaxUploads', max),
    leaf('IsTruncated', last !== undefined),
    ...page.map(({ key, uploadId, startedMs }) =>
      branch('Upload', [
        leaf('Key', encode(key)),
        leaf('UploadId', uploadId),
        leaf('StorageClass', 'STANDARD'),
        leaf('Initiated', new Date(startedMs).toISOString()),
      ]),
    ),
  ]
  return xmlAnswer('ListMultipartUploadsResult', children, { named: state.quirks.xmlNamespace })
}
