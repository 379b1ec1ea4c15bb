import type { IncomingHttpHeaders } from 'node:http'
import { S3Error } from './s3-error.ts'

export type Operation =
  | 'PutObject'
  | 'GetObject'
  | 'HeadObject'
  | 'GetObjectAttributes'
  | 'DeleteObject'
  | 'DeleteObjects'
  | 'ListObjectsV2'
  | 'CreateMultipartUpload'
  | 'UploadPart'
  | 'CompleteMultipartUpload'
  | 'AbortMultipartUpload'
  | 'ListParts'
  | 'ListMultipartUploads'
  | 'HeadBucket'
  | 'Preflight'
  /** Whatever this server does not know, such as CopyObject: answered with 501. */
  | 'Other'

/** The head of a request: what was asked for, before anybody checked whether he may. */
export interface RequestHead {
  readonly operation: Operation
  readonly method: string
  /** As it came, percent-encoded, without the query. */
  readonly rawPath: string
  readonly bucket: string
  /** `undefined` for requests about the bucket. */
  readonly key: string | undefined
  /** Decoded, in the order in which they came. */
  readonly query: readonly (readonly [name: string, value: string])[]
  readonly headers: IncomingHttpHeaders
}

export interface S3Request extends RequestHead {
  readonly body: Uint8Array
}

/** Throws 400 InvalidURI for a path or query that is not well encoded. */
export function parseHead(method: string, target: string, headers: IncomingHttpHeaders): RequestHead {
  const mark = target.indexOf('?')
  const rawPath = mark === -1 ? target : target.slice(0, mark)
  const query = mark === -1 ? [] : parseQuery(target.slice(mark + 1))
  const [, bucket = '', rawKey = ''] = /^\/([^/]*)(?:\/(.*))?$/s.exec(rawPath) ?? []
  const key = rawKey === '' ? undefined : decoded(rawKey)
  const about = { method, rawPath, bucket: decoded(bucket), key, query, headers }
  return { ...about, operation: operationOf(about) }
}

export const parameter = ({ query }: Pick<RequestHead, 'query'>, name: string): string | undefined =>
  query.find(([given]) => given === name)?.[1]

export const isPresigned = (head: Pick<RequestHead, 'query'>): boolean =>
  parameter(head, 'X-Amz-Algorithm') !== undefined

/** A header of S3's own. Presigned URLs may carry it in their query instead. */
export function headerOf(head: Pick<RequestHead, 'query' | 'headers'>, name: string): string | undefined {
  const given = head.headers[name]
  if (given !== undefined) return Array.isArray(given) ? given.join(',') : given
  if (!isPresigned(head) || !name.startsWith('x-amz-')) return undefined
  return head.query.find(([hoisted]) => hoisted.toLowerCase() === name)?.[1]
}

function operationOf({ method, bucket, key, query, headers }: Omit<RequestHead, 'operation'>): Operation {
  const has = (name: string) => query.some(([given]) => given === name)
  if (bucket === '') return 'Other'
  if (method === 'OPTIONS') return 'Preflight'
  if (query.some(([name]) => unknownSubresources.has(name)) || has('versionId')) return 'Other'
  if (key === undefined) {
    if (has('attributes')) return 'Other'
    if (method === 'HEAD') return 'HeadBucket'
    if (method === 'GET' && has('uploads')) return 'ListMultipartUploads'
    if (method === 'GET' && query.some(([name, value]) => name === 'list-type' && value === '2')) return 'ListObjectsV2'
    if (method === 'POST' && has('delete')) return 'DeleteObjects'
    return 'Other'
  }
  if (headers['x-amz-copy-source'] !== undefined) return 'Other'
  if (has('attributes')) return method === 'GET' ? 'GetObjectAttributes' : 'Other'
  if (method === 'POST' && has('uploads')) return 'CreateMultipartUpload'
  if (has('uploadId')) return uploadOperations[method] ?? 'Other'
  return has('partNumber') ? 'Other' : (objectOperations[method] ?? 'Other')
}

const uploadOperations: Record<string, Operation> = {
  PUT: 'UploadPart',
  GET: 'ListParts',
  POST: 'CompleteMultipartUpload',
  DELETE: 'AbortMultipartUpload',
}
const objectOperations: Record<string, Operation> = {
  PUT: 'PutObject',
  GET: 'GetObject',
  HEAD: 'HeadObject',
  DELETE: 'DeleteObject',
}
const unknownSubresources = new Set(
  'acl cors encryption legal-hold lifecycle location policy restore retention select tagging torrent versioning versions'.split(
    ' ',
  ),
)

const parseQuery = (raw: string): [string, string][] =>
  raw
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => {
      const equals = pair.indexOf('=')
      const [name, value] = equals === -1 ? [pair, ''] : [pair.slice(0, equals), pair.slice(equals + 1)]
      return [decoded(name.replaceAll('+', ' ')), decoded(value.replaceAll('+', ' '))]
    })

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new S3Error(400, 'InvalidURI', "Couldn't parse the specified URI.")
  }
}
