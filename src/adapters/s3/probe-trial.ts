import { CodedError, StoreUnavailable, UnsupportedByStore } from '../../ports/errors.ts'
import { type ObjectKey, parseObjectKey } from '../../ports/object-key.ts'
import type { CallOptions, ETag, PutCondition, PutOptions } from '../../ports/object-store.ts'
import type { S3Bucket } from './bucket.ts'
import { deleteObjects } from './deleting.ts'
import { getObject, headObject } from './reading.ts'
import { putObject } from './writing.ts'

const cleanMs = 10_000

/** No server makes this one. */
export const neverAnEtag = '00000000000000000000000000000000' as ETag

/** What a trial may use: objects of its own in one folder, beside an anchor that stays until all trials are done. */
export interface Trial extends CallOptions {
  readonly bucket: S3Bucket
  readonly anchor: ObjectKey
  /** A key nobody else uses; what is stored under it is removed at the end. */
  key(name: string): ObjectKey
  /** The new version, or `undefined` when the condition was refused. */
  put(key: ObjectKey, body: string, when: PutCondition, facts?: Partial<PutOptions>): Promise<ETag | undefined>
  read(key: ObjectKey): Promise<string | undefined>
  /** The same, with If-Match in quotes or without. */
  quoting(quotedConditions: boolean): Trial
  /** Removes what was stored. Never throws: what is left is small, and in a folder that says what it was. */
  clean(): Promise<void>
}

/** Throws when not even a plain put works. */
export async function createTrial(
  bucket: S3Bucket,
  { nonce, signal }: CallOptions & { nonce: string },
): Promise<Trial> {
  const used = new Set<ObjectKey>()
  const key = (name: string): ObjectKey => {
    const parsed = parseObjectKey(`.probe/${nonce}/${name}`)
    used.add(parsed)
    return parsed
  }
  const anchor = key('anchor')
  const speaking = (to: S3Bucket): Trial => ({
    bucket: to,
    signal,
    anchor,
    key,
    async put(at, body, when, facts) {
      const options = { signal, contentType: 'text/plain', ...facts, when }
      const written = await putObject(to, at, new TextEncoder().encode(body), options)
      if (written.outcome === 'unknown') throw written.cause
      return written.outcome === 'applied' ? written.etag : undefined
    },
    async read(at) {
      const found = await getObject(to, at, { signal })
      return found && (await new Response(found.body).text())
    },
    quoting: (quotedConditions) => speaking({ ...to, quotedConditions }),
    async clean() {
      // A signal of its own: a caller who has left must not leave this behind.
      const cleaning = AbortSignal.timeout(cleanMs)
      await deleteObjects(to, [...used], { signal: cleaning, inBatches: false }).catch(() => {})
    },
  })
  const trial = speaking(bucket)
  await trial.put(anchor, 'anchor', 'always')
  return trial
}

/**
 * What `attempt` says is wrong with the store, or how the store refused it. Being unavailable is a refusal only while plain
 * requests still work, for some servers answer 500 to what they do not know; otherwise it is no answer, and is thrown.
 */
export async function faultIn(
  { bucket, anchor, signal }: Trial,
  attempt: () => Promise<string | undefined>,
): Promise<string | undefined> {
  try {
    return await attempt()
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof StoreUnavailable) {
      if (error.effect === 'never-sent' && error.blame !== 'request') throw error
      await headObject(bucket, anchor, { signal })
    }
    if (error instanceof UnsupportedByStore) return `refuses it: ${error.capability}`
    return error instanceof CodedError ? error.message : 'the answer made no sense'
  }
}
