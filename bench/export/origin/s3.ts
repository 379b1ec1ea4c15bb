import { createHash } from 'node:crypto'
import { datasetOf, datasetsPrefix, fileName } from './dataset.ts'
import { checksumsOf, type DatasetFile, fileOf, piecesOf } from './dataset-file.ts'
import type { HttpAnswer, HttpRequest } from './http.ts'

/** A version that can be read. */
interface Version {
  readonly sizeBytes: number
  readonly etag: string
  readonly modified: Date
  readonly headers: Readonly<Record<string, string>>
  pieces(from: number, toExclusive: number): Iterable<Uint8Array>
}

const pageMax = 1000
/** Of the datasets. */
const longAgo = new Date(Date.UTC(2026, 0, 1))

/**
 * One bucket: the datasets that names speak of, with the metadata of this service's uploads, and small objects that are put
 * there. GetObject with Range and If-Match, HeadObject, ListObjectsV2, PutObject and DeleteObject with conditions; 501 to
 * everything else. Signatures are not looked at.
 */
export function createS3Answers(): (request: HttpRequest) => HttpAnswer {
  const put = new Map<string, Version>()
  const known = new Map<string, Version>()

  const versionOf = (key: string): Version | undefined => {
    const present = put.get(key) ?? known.get(key)
    if (present !== undefined || !key.startsWith(datasetsPrefix)) return present
    const file = fileOf(key.slice(datasetsPrefix.length))
    if (file === undefined) return undefined
    const version = versionOfFile(file)
    known.set(key, version)
    return version
  }

  const write = (key: string, { headers, body }: HttpRequest): HttpAnswer => {
    if (!holds(headers, versionOf(key))) return refusal(412, 'PreconditionFailed')
    const kept = [...headers].filter(([name]) => name === 'content-type' || name.startsWith('x-amz-meta-'))
    const bytes = Buffer.from(body)
    const version: Version = {
      sizeBytes: bytes.byteLength,
      etag: `"${createHash('md5').update(bytes).digest('hex')}"`,
      modified: new Date(),
      headers: Object.fromEntries(kept),
      pieces: (from, toExclusive) => [bytes.subarray(from, toExclusive)],
    }
    put.set(key, version)
    return { status: 200, headers: { ETag: version.etag } }
  }

  const remove = (key: string, { headers }: HttpRequest): HttpAnswer => {
    if (!holds(headers, versionOf(key))) return refusal(412, 'PreconditionFailed')
    put.delete(key)
    return { status: 204 }
  }

  const list = (query: URLSearchParams): HttpAnswer => {
    const prefix = query.get('prefix') ?? ''
    const from = Number(query.get('continuation-token') ?? 0)
    const limit = Math.min(pageMax, Number(query.get('max-keys') ?? pageMax))
    const keys = [...datasetKeys(prefix), ...[...put.keys()].filter((key) => key.startsWith(prefix)).sort()]
    const contents = keys.slice(from, from + limit).map((key) => {
      const { etag = '', sizeBytes = 0, modified = longAgo } = versionOf(key) ?? {}
      return `<Contents><Key>${key}</Key><LastModified>${modified.toISOString()}</LastModified><ETag>${etag}</ETag><Size>${sizeBytes}</Size></Contents>`
    })
    const more = from + limit < keys.length
    return xml(
      200,
      `<ListBucketResult><Name>bench</Name><KeyCount>${contents.length}</KeyCount><IsTruncated>${more}</IsTruncated>${
        more ? `<NextContinuationToken>${from + limit}</NextContinuationToken>` : ''
      }${contents.join('')}</ListBucketResult>`,
    )
  }

  return (request) => {
    const { method, path, query } = request
    const key = path.split('/').slice(2).join('/')
    const foreign = [...query.keys()].some((name) => name === 'uploads' || name === 'uploadId')
    if (method === 'GET' && key === '') return list(query)
    if (method === 'PUT' && !foreign) return write(key, request)
    if (method === 'DELETE' && !foreign) return remove(key, request)
    if (method !== 'GET' && method !== 'HEAD') return refusal(501, 'NotImplemented')
    const version = versionOf(key)
    return version === undefined ? refusal(404, 'NoSuchKey') : read(request, version)
  }
}

function versionOfFile(file: DatasetFile): Version {
  const { crc32, sha256 } = checksumsOf(file)
  return {
    sizeBytes: file.sizeBytes,
    etag: `"${sha256.slice(0, 32)}"`,
    modified: longAgo,
    headers: {
      'Content-Type': 'application/octet-stream',
      'x-amz-meta-crc32': crc32,
      'x-amz-meta-sha256': sha256,
    },
    pieces: (from, toExclusive) => piecesOf(file, from, toExclusive),
  }
}

function datasetKeys(prefix: string): string[] {
  const [, files, fileBytes] = /^(\d+)x(\d+)\/$/.exec(prefix.slice(datasetsPrefix.length)) ?? []
  if (!prefix.startsWith(datasetsPrefix) || fileBytes === undefined) return []
  const dataset = datasetOf(Number(files), Number(fileBytes))
  return Array.from({ length: dataset.files }, (_, index) => `${datasetsPrefix}${fileName(dataset, index)}`)
}

function read({ method, headers }: HttpRequest, version: Version): HttpAnswer {
  if (!holds(headers, version)) return refusal(412, 'PreconditionFailed')
  const { sizeBytes, etag, modified } = version
  const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(headers.get('range') ?? '') ?? []
  const from = Number(first ?? 0)
  const toExclusive = last ? Math.min(sizeBytes, Number(last) + 1) : sizeBytes
  if (first !== undefined && from >= sizeBytes) return refusal(416, 'InvalidRange')
  return {
    status: first === undefined ? 200 : 206,
    headers: {
      ...version.headers,
      ETag: etag,
      'Last-Modified': modified.toUTCString(),
      'Accept-Ranges': 'bytes',
      ...(first !== undefined && { 'Content-Range': `bytes ${from}-${toExclusive - 1}/${sizeBytes}` }),
    },
    lengthBytes: toExclusive - from,
    ...(method === 'GET' && { pieces: version.pieces(from, toExclusive) }),
  }
}

function holds(headers: ReadonlyMap<string, string>, present: Version | undefined): boolean {
  const ifMatch = headers.get('if-match')
  if (headers.get('if-none-match') === '*' && present !== undefined) return false
  return ifMatch === undefined || ifMatch === present?.etag
}

const refusal = (status: number, code: string): HttpAnswer =>
  xml(status, `<Error><Code>${code}</Code><Message>${code}</Message></Error>`)

function xml(status: number, text: string): HttpAnswer {
  const body = Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>${text}`)
  return { status, headers: { 'Content-Type': 'application/xml' }, lengthBytes: body.byteLength, pieces: [body] }
}
