import type { S3Client } from '@aws-sdk/client-s3'
import type { ObjectKey } from '../../ports/object-key.ts'
import type { ETag } from '../../ports/object-store.ts'
import { storeError } from './errors.ts'

/** Where the objects of one store lie, and how its server wants to be spoken to. */
export interface S3Bucket {
  readonly client: S3Client
  readonly bucket: string
  /** What all our keys begin with on the wire: nothing, or something that ends in `/`. */
  readonly base: string
  /** Whether If-Match carries quotes, as the standard has it. */
  readonly quotedConditions: boolean
}

/** `prefix` without slashes at its ends; empty for the whole bucket. */
export const baseOf = (prefix: string): string => (prefix === '' ? '' : `${prefix}/`)

/** The two parameters that name an object in every S3 command. */
export const at = ({ bucket, base }: S3Bucket, key: ObjectKey) => ({ Bucket: bucket, Key: `${base}${key}` })

/** Without quotes and weakness, as the port wants it. `undefined` where the server gave none. */
export function etagFrom(given: string | undefined): ETag | undefined {
  const bare = given?.replace(/^W\//, '').replaceAll('"', '')
  return bare === undefined || bare === '' ? undefined : (bare as ETag)
}

export const quoted = (etag: string): string => `"${etag.replaceAll('"', '')}"`

/**
 * Makes one request. Throws the signal's reason when the caller has gone, before and after, and otherwise what
 * `storeError` makes of the failure.
 */
export async function send<Output>(
  signal: AbortSignal,
  request: (options: { abortSignal: AbortSignal }) => Promise<Output>,
): Promise<Output> {
  signal.throwIfAborted()
  try {
    return await request({ abortSignal: signal })
  } catch (error) {
    throw storeError(error, signal)
  }
}
