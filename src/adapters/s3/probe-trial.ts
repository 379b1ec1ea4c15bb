import { CodedError, StoreUnavailable, UnsupportedByStore } from '../../ports/errors.ts'
import { type ObjectKey, parseObjectKey } from '../../ports/object-key.ts'
import type { CallOptions, ETag, PutCondition, PutOptions, PutOutcome } from '../../ports/object-store.ts'
import type { S3Bucket } from './bucket.ts'
import { deleteObjects } from './deleting.ts'
import { pause } from './pause.ts'
import { getObject, headObject } from './reading.ts'
import { putObject } from './writing.ts'

const cleanMs = 10_000
/** Three seconds for what a store goes on to join after it has answered with a time-out. */
const lateWaitsMs = [50, 100, 200, 400, 800, 1_600]

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
  /**
   * What became of joining an upload of `body` under `key`. Where the answer was lost, it is looked for; where it cannot be
   * found, the loss is thrown, and the cleaning looks again.
   */
  joining(key: ObjectKey, body: string, join: () => Promise<PutOutcome>): Promise<'applied' | 'rejected'>
  /** The same, with If-Match in quotes or without. */
  quoting(quotedConditions: boolean): Trial
  /**
   * Removes what was stored, and for three seconds more what is joined late. Never throws: what is left is small, and in a
   * folder that says what it was.
   */
  clean(): Promise<void>
}

/** Throws when not even a plain put works. */
export async function createTrial(
  bucket: S3Bucket,
  { nonce, signal }: CallOptions & { nonce: string },
): Promise<Trial> {
  const used = new Set<ObjectKey>()
  const late = new Set<ObjectKey>()
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
    async joining(at, body, join) {
      late.add(at)
      const written = await join()
      if (written.outcome === 'unknown' && !(await showsLate(() => this.read(at), body, signal))) throw written.cause
      late.delete(at)
      return written.outcome === 'rejected' ? 'rejected' : 'applied'
    },
    quoting: (quotedConditions) => speaking({ ...to, quotedConditions }),
    async clean() {
      // A signal of its own: a caller who has left must not leave this behind.
      const cleaning = AbortSignal.timeout(cleanMs)
      const remove = (keys: readonly ObjectKey[]) => deleteObjects(to, keys, { signal: cleaning, inBatches: false })
      try {
        await remove([...used])
        for (const waitMs of lateWaitsMs) {
          if (late.size === 0) return
          await pause(waitMs, cleaning)
          for (const one of late) {
            if ((await headObject(to, one, { signal: cleaning })) === undefined) continue
            await remove([one])
            late.delete(one)
          }
        }
      } catch {}
    },
  })
  const trial = speaking(bucket)
  await trial.put(anchor, 'anchor', 'always')
  return trial
}

async function showsLate(read: () => Promise<string | undefined>, body: string, signal: AbortSignal): Promise<boolean> {
  for (const waitMs of lateWaitsMs) {
    if ((await read()) === body) return true
    await pause(waitMs, signal)
  }
  return (await read()) === body
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
