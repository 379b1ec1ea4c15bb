import type { Clock } from '../../ports/clock.ts'
import { StoreUnavailable } from '../../ports/errors.ts'
import { type ObjectKey, parseObjectKey } from '../../ports/object-key.ts'
import type { CallOptions, ETag, MultipartUpload, ObjectStore, PutCondition } from '../../ports/object-store.ts'

const listedAtOnce = 1000
const pagesMax = 10
/** Six seconds for what a store goes on to join after it has answered with a time-out. */
const lateWaitsMs = [100, 200, 400, 800, 1_600, 3_200]

/** No store names a version like this one. */
export const neverAnEtag = '00000000000000000000000000000000' as ETag

/** A place of our own in a store that others use, and what tidies it. */
export interface TrialFolder {
  /** The store on trial. What is opened through it is remembered. */
  readonly store: ObjectStore
  /** What all our keys begin with. */
  readonly prefix: string
  key(name: string): ObjectKey
  /** A new folder within it, for one try; tidied with this one. */
  within(): TrialFolder
  /**
   * Ends every upload that is open and removes every object; where the answer to joining one was lost, also what shows
   * within six seconds more. Returns how many things are left; never throws.
   */
  clean(options: CallOptions): Promise<number>
}

/** `nonce` sets it apart from those of others who try the same store now. Nothing is sent. */
export function createTrialFolder(store: ObjectStore, nonce: string, { sleep }: Pick<Clock, 'sleep'>): TrialFolder {
  const used = new Set<ObjectKey>()
  const open = new Map<string, MultipartUpload>()
  /** What may be joined although we were not told so. */
  const late = new Set<ObjectKey>()
  let tries = 0

  const remembering: ObjectStore = {
    ...store,
    async createMultipart(key, options) {
      const upload = await store.createMultipart(key, options)
      open.set(upload.uploadId, upload)
      return upload
    },
    async completeMultipart(upload, parts, options) {
      late.add(upload.key)
      const completed = await store.completeMultipart(upload, parts, options)
      if (completed.outcome !== 'unknown') late.delete(upload.key)
      if (completed.outcome === 'applied') open.delete(upload.uploadId)
      return completed
    },
    async abortMultipart(upload, options) {
      await store.abortMultipart(upload, options)
      open.delete(upload.uploadId)
    },
  }

  const removeLate = async (signal: AbortSignal): Promise<void> => {
    for (const waitMs of lateWaitsMs) {
      if (late.size === 0) return
      await sleep(waitMs, signal)
      for (const key of late) {
        if ((await store.head(key, { signal })) === undefined) continue
        await store.delete(key, { signal })
        late.delete(key)
      }
    }
  }

  const folder = (prefix: string): TrialFolder => ({
    prefix,
    store: remembering,

    key(name) {
      const key = parseObjectKey(prefix + name)
      used.add(key)
      return key
    },

    within: () => folder(`${prefix}${++tries}/`),

    async clean({ signal }) {
      const ended = await Promise.allSettled(
        [...open.values()].map((upload) => store.abortMultipart(upload, { signal })),
      )
      const left = ended.filter(({ status }) => status === 'rejected').length
      try {
        // What was used and is not listed yet, and what is listed and was written by others than us for this trial.
        const keys = new Set([...used, ...(await keysBelow(store, prefix, signal).catch(() => []))])
        const results = await store.deleteMany([...keys], { signal })
        await removeLate(signal).catch(() => {})
        return left + results.filter(({ error }) => error !== undefined).length
      } catch {
        return left + used.size
      }
    },
  })
  return folder(`.probe/${nonce}/`)
}

async function keysBelow(store: ObjectStore, prefix: string, signal: AbortSignal): Promise<ObjectKey[]> {
  const keys: ObjectKey[] = []
  let cursor: string | undefined
  for (let page = 0; page < pagesMax; page++) {
    const found = await store.list({ signal, prefix, limit: listedAtOnce, ...(cursor !== undefined && { cursor }) })
    keys.push(...found.objects.map(({ key }) => key))
    cursor = found.cursor
    if (cursor === undefined) break
  }
  return keys
}

/** The new version, or `undefined` when the condition was refused. Throws where the answer was lost. */
export async function putText(
  store: ObjectStore,
  key: ObjectKey,
  body: string,
  { signal, when = 'always' }: CallOptions & { when?: PutCondition },
): Promise<ETag | undefined> {
  const options = { signal, when, contentType: 'text/plain' }
  const written = await store.put(key, new TextEncoder().encode(body), options)
  if (written.outcome === 'unknown') throw written.cause
  return written.outcome === 'applied' ? written.etag : undefined
}

/** As `putText` without a condition. */
export async function putPlain(store: ObjectStore, key: ObjectKey, body: string, options: CallOptions): Promise<ETag> {
  const etag = await putText(store, key, body, options)
  if (etag === undefined) throw new StoreUnavailable('the store rejected a write that had no condition')
  return etag
}

export async function readText(store: ObjectStore, key: ObjectKey, options: CallOptions): Promise<string | undefined> {
  const found = await store.get(key, options)
  return found && (await new Response(found.body).text())
}
