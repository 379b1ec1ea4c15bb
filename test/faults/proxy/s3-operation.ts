export type Operation =
  | 'PutObject'
  | 'GetObject'
  | 'HeadObject'
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

export interface AskedOperation {
  /** `undefined` for what this is not. */
  readonly operation: Operation | undefined
  /** Decoded; `undefined` for requests of the bucket as a whole. */
  readonly key: string | undefined
}

/** What a path-style request (`/{bucket}/{key}?…`) asks for, told by its first line alone. */
export function operationOf(method: string, target: string): AskedOperation {
  const [path = '', query = ''] = target.split('?', 2)
  const [, key] = /^\/[^/]*\/(.+)$/s.exec(path) ?? []
  const parameters = new URLSearchParams(query)
  const named = (operation: Operation | undefined) => ({ operation, key: key && decoded(key) })
  if (method === 'OPTIONS') return named('Preflight')
  return named(key === undefined ? bucketOperation(method, parameters) : objectOperation(method, parameters))
}

function bucketOperation(method: string, parameters: URLSearchParams): Operation | undefined {
  if (method === 'HEAD') return 'HeadBucket'
  if (method === 'POST' && parameters.has('delete')) return 'DeleteObjects'
  if (method !== 'GET') return undefined
  if (parameters.has('uploads')) return 'ListMultipartUploads'
  return parameters.get('list-type') === '2' ? 'ListObjectsV2' : undefined
}

function objectOperation(method: string, parameters: URLSearchParams): Operation | undefined {
  const ofUpload = parameters.has('uploadId')
  switch (method) {
    case 'PUT':
      return ofUpload ? 'UploadPart' : 'PutObject'
    case 'GET':
      return ofUpload ? 'ListParts' : 'GetObject'
    case 'HEAD':
      return 'HeadObject'
    case 'DELETE':
      return ofUpload ? 'AbortMultipartUpload' : 'DeleteObject'
    case 'POST':
      if (ofUpload) return 'CompleteMultipartUpload'
      return parameters.has('uploads') ? 'CreateMultipartUpload' : undefined
    default:
      return undefined
  }
}

function decoded(key: string): string {
  try {
    return decodeURIComponent(key)
  } catch {
    return key
  }
}
