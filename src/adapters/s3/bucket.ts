import type { S3Client } from '@aws-sdk/client-s3'
import type { ObjectKey } from '../../ports/object-key.ts'
import type { ETag } from '../../ports/object-store.ts'
import type { Dialect } from './dialect.ts'
import { storeError } from './errors.ts'
import { type ListForm, wholeForm } from './list-form.ts'
import { type ObjectFetch, webFetch } from './object-fetch.ts'
import type { StoreClock } from './store-clock.ts'

/** Where the objects of one store lie, and how its server wants to be spoken to. */
export interface S3Bucket {
  readonly client: S3Client
  /** How objects are read; all else goes by `client`. */
  readonly fetch: ObjectFetch
  readonly bucket: string
  /** What all our keys begin with on the wire: nothing, or something that ends in `/`. */
  readonly base: string
  /** Whether If-Match carries quotes, as the standard has it. */
  readonly quotedConditions: boolean
  readonly dialect: Dialect
  /** Told the date of every answer. */
  readonly storeClock?: Pick<StoreClock, 'saw'> | undefined
  /** What the server was seen to want. Plain values, for all calls of this process or isolate; forgotten with it. */
  readonly learned: {
    /** What listings leave out, because it was refused. */
    listForm: ListForm
    /** As the dialect has it, and where it was seen. */
    listsMore: boolean
    /** A HEAD was seen to name a version as the answer to its write did. */
    namesAgree: boolean
    /** How many objects in a row it told no checksum of, of any kind; `undefined` once it has told one. */
    checksumsInVain: number | undefined
    /** It was seen not to tell the checksums of parts. */
    partsUntold: boolean
  }
}

/** Nothing is sent, and nothing learned yet. */
export function openBucket({
  prefix,
  fetch = webFetch,
  ...place
}: Pick<S3Bucket, 'client' | 'bucket' | 'dialect' | 'storeClock'> & {
  prefix: string
  fetch?: ObjectFetch | undefined
}): S3Bucket {
  return {
    ...place,
    fetch,
    base: baseOf(prefix),
    quotedConditions: true,
    learned: {
      listForm: wholeForm,
      listsMore: place.dialect.listsMore,
      namesAgree: false,
      checksumsInVain: 0,
      partsUntold: false,
    },
  }
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

/** The value of If-Match, as this server compares it. */
export const ifMatchHeader = ({ quotedConditions }: S3Bucket, etag: ETag): string =>
  quotedConditions ? quoted(etag) : etag

/**
 * Makes one request. Throws the signal's reason when the caller has gone, before and after, and otherwise what
 * `storeError` makes of the failure.
 */
export async function send<Output>(
  signal: AbortSignal,
  request: (options: { abortSignal: AbortSignal }) => Promise<Output>,
  nature: { goesOn?: boolean } = {},
): Promise<Output> {
  signal.throwIfAborted()
  try {
    return await request({ abortSignal: signal })
  } catch (error) {
    throw storeError(error, signal, nature)
  }
}
