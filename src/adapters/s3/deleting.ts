import { DeleteObjectsCommand } from '@aws-sdk/client-s3'
import { CodedError, StoreUnavailable, UnsupportedByStore } from '../../ports/errors.ts'
import type { ObjectKey } from '../../ports/object-key.ts'
import type { CallOptions, DeleteResult } from '../../ports/object-store.ts'
import { at, type S3Bucket, send } from './bucket.ts'
import { deleteObject } from './writing.ts'

const batchKeysMax = 1000
const singlesAtOnce = 4

/**
 * The port's `deleteMany`. What a batch did not confirm is deleted key by key, so that every key has its own result.
 * `batchRefused` hears of a server that does not know batches.
 */
export async function deleteObjects(
  bucket: S3Bucket,
  keys: readonly ObjectKey[],
  { signal, inBatches, batchRefused }: CallOptions & { inBatches: boolean; batchRefused?: () => void },
): Promise<DeleteResult[]> {
  const results = new Map<ObjectKey, DeleteResult>()
  if (inBatches) {
    for (let i = 0; i < keys.length; i += batchKeysMax) {
      const batch = keys.slice(i, i + batchKeysMax)
      for (const result of await settledByBatch(bucket, batch, signal, batchRefused)) results.set(result.key, result)
    }
  }
  const remaining = keys.filter((key) => !results.has(key))
  for (let i = 0; i < remaining.length; i += singlesAtOnce) {
    const few = remaining.slice(i, i + singlesAtOnce)
    const some = await Promise.all(few.map((key) => deleteOne(bucket, key, signal)))
    for (const result of some) results.set(result.key, result)
    const [outage] = some
    // Not one of them got through: the others would only multiply the outage.
    if (outage !== undefined && some.every(({ error }) => error instanceof StoreUnavailable)) {
      for (const key of remaining.slice(i + singlesAtOnce)) results.set(key, { key, error: outage.error })
      break
    }
  }
  return keys.map((key) => results.get(key) ?? { key, error: undefined })
}

/** Results of those keys whose fate is settled. The others should be tried singly. */
async function settledByBatch(
  bucket: S3Bucket,
  keys: readonly ObjectKey[],
  signal: AbortSignal,
  refused: (() => void) | undefined,
): Promise<DeleteResult[]> {
  try {
    const deleted = await deleteBatch(bucket, keys, signal)
    return deleted.map((key) => ({ key, error: undefined }))
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof UnsupportedByStore) refused?.()
    // Nobody is there, or too many are; asking again for each key would only take a thousand times as long.
    const outage = error instanceof StoreUnavailable && error.effect === 'never-sent' && error.blame !== 'request'
    return outage ? keys.map((key) => ({ key, error })) : []
  }
}

/** One request for up to 1,000 keys. Returns those that are gone. */
export async function deleteBatch(
  bucket: S3Bucket,
  keys: readonly ObjectKey[],
  signal: AbortSignal,
): Promise<ObjectKey[]> {
  const command = new DeleteObjectsCommand({
    Bucket: bucket.bucket,
    Delete: { Objects: keys.map((key) => ({ Key: at(bucket, key).Key })), Quiet: true },
    ChecksumAlgorithm: bucket.dialect.batchChecksum,
  })
  if (bucket.dialect.batchChecksum === 'MD5') leaveAlgorithmUnnamed(command)
  const { Errors = [] } = await send(signal, (options) => bucket.client.send(command, options), { goesOn: true })
  const failed = new Set(Errors.map(({ Key }) => Key))
  return keys.filter((key) => !failed.has(at(bucket, key).Key))
}

/** Beside Content-MD5 the SDK names an algorithm for which servers then look in vain for a header `x-amz-checksum-…`. */
function leaveAlgorithmUnnamed({ middlewareStack }: DeleteObjectsCommand): void {
  middlewareStack.add(
    (next) => (args) => {
      const { headers } = args.request as { headers: Record<string, string> }
      delete headers['x-amz-sdk-checksum-algorithm']
      return next(args)
    },
    { step: 'build', priority: 'low' },
  )
}

async function deleteOne(bucket: S3Bucket, key: ObjectKey, signal: AbortSignal): Promise<DeleteResult> {
  try {
    const deleted = await deleteObject(bucket, key, { signal })
    return { key, error: deleted.outcome === 'unknown' ? deleted.cause : undefined }
  } catch (error) {
    signal.throwIfAborted()
    if (!(error instanceof CodedError)) throw error
    return { key, error }
  }
}
