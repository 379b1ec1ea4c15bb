import type { S3Client } from '@aws-sdk/client-s3'
import { UnsupportedByStore } from '../../ports/errors.ts'
import type { Ids } from '../../ports/ids.ts'
import type { CallOptions, ObjectStore, StoreCapabilities } from '../../ports/object-store.ts'
import { openBucket } from './bucket.ts'
import { deleteObjects } from './deleting.ts'
import { type Dialect, dialectOf } from './dialect.ts'
import { listObjects } from './listing.ts'
import { abortUpload, completeUpload, createUpload, listUploadedParts, uploadPart } from './multipart.ts'
import type { ObjectFetch } from './object-fetch.ts'
import { probeCapabilities } from './probe.ts'
import { getObject, headObject, readObject } from './reading.ts'
import type { StoreClock } from './store-clock.ts'
import { storedCrc32 } from './stored-crc32.ts'
import { deleteObject, putObject } from './writing.ts'

export interface S3ObjectStoreOptions {
  /** From `createS3Client`. */
  readonly client: S3Client
  /** How objects are read. Default: by the runtime's fetch. */
  readonly fetch?: ObjectFetch
  readonly bucket: string
  /** What our keys lie under, without slashes at its ends; empty for the whole bucket. */
  readonly prefix: string
  readonly ids: Ids
  /** The one that `client` tells the dates of its answers. */
  readonly storeClock?: StoreClock
  /** Default: that of a server of which nothing is known. */
  readonly dialect?: Dialect
  /** What need not be tried, because it is known; before what the dialect knows. All of them: nothing is ever tried. */
  readonly known?: Partial<StoreCapabilities>
}

/**
 * Any S3-compatible bucket. Makes exactly one request for a call where S3 can, never retries and never times out: put it
 * behind `resilience`. What the server can do is seen by trying, once, under `.probe/`, when it is first needed.
 */
export function createS3ObjectStore(options: S3ObjectStoreOptions): ObjectStore {
  const { ids, dialect = dialectOf('generic', undefined), storeClock, ...place } = options
  const known = { ...dialect.known, ...options.known }
  let bucket = openBucket({ ...place, dialect, storeClock })
  // The value and never the promise: on Workers a request must not wait for what another one began. Failures are forgotten.
  let seen: StoreCapabilities | undefined

  const capabilities = async ({ signal }: CallOptions): Promise<StoreCapabilities> => {
    signal.throwIfAborted()
    if (seen === undefined) {
      const probed = await probeCapabilities(bucket, { known, nonce: ids.next(), signal })
      bucket = { ...bucket, quotedConditions: probed.quotedConditions }
      seen = probed.capabilities
    }
    return seen
  }

  const demand = async (
    capability: 'conditionalPut' | 'conditionalComplete' | 'conditionalDelete' | 'listParts' | 'abortMultipart',
    { signal }: CallOptions,
  ) => {
    const can = (await capabilities({ signal }))[capability]
    if (can !== true && can !== 'atomic') throw new UnsupportedByStore(capability)
  }

  return {
    ...(storeClock && { nowMs: storeClock.nowMs }),
    capabilities,

    async put(key, body, options) {
      if (options.when !== 'always') await demand('conditionalPut', options)
      return putObject(bucket, key, body, options)
    },

    get: (key, options) => getObject(bucket, key, options),
    read: (key, options) => readObject(bucket, key, options),
    head: (key, options) => headObject(bucket, key, options),
    storedCrc32: (key, options) => storedCrc32(bucket, key, options),
    list: (options) => listObjects(bucket, options),

    async delete(key, options) {
      if (options.ifMatch !== undefined) await demand('conditionalDelete', options)
      return deleteObject(bucket, key, options)
    },

    async deleteMany(keys, { signal }) {
      const { batchDelete } = await capabilities({ signal })
      // It was seen to know them; it does not any more.
      const batchRefused = () => {
        if (seen !== undefined) seen = { ...seen, batchDelete: false }
      }
      return deleteObjects(bucket, keys, { signal, inBatches: batchDelete, batchRefused })
    },

    createMultipart: (key, options) => createUpload(bucket, key, options),
    putPart: (upload, partNumber, body, options) => uploadPart(bucket, upload, partNumber, body, options),

    async listParts(upload, options) {
      await demand('listParts', options)
      return listUploadedParts(bucket, upload, options)
    },

    async completeMultipart(upload, parts, options) {
      if (options.when !== 'always') await demand('conditionalComplete', options)
      return completeUpload(bucket, upload, parts, options)
    },

    async abortMultipart(upload, options) {
      await demand('abortMultipart', options)
      await abortUpload(bucket, upload, options)
    },
  }
}
