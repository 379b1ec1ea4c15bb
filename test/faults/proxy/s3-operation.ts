import { type Operation, parseHead } from '../fake-s3/request.ts'

export interface AskedOperation {
  readonly operation: Operation
  /** Decoded; `undefined` for requests of the bucket as a whole. */
  readonly key: string | undefined
}

/** What a path-style request (`/{bucket}/{key}?…`) asks for, told by its first line alone. */
export function operationOf(method: string, target: string): AskedOperation {
  try {
    const { operation, key } = parseHead(method, target, {})
    return { operation, key }
  } catch {
    return { operation: 'Other', key: undefined }
  }
}
