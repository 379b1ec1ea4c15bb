import { contentTypeOf } from '../../ports/content-type.ts'
import type { Log } from '../../ports/log.ts'
import type { ObjectKey } from '../../ports/object-key.ts'
import type { CallOptions, ObjectMeta, ObjectStore, PutOutcome } from '../../ports/object-store.ts'
import { decodeFacts, type Facts, factsIn } from './facts.ts'
import { createNotes, sidecarPrefix } from './notes.ts'

export interface SidecarOptions {
  readonly log: Pick<Log, 'warn'>
  /** Whose facts are worth the second request; of the others the type is guessed. Default: every object's. */
  readonly covers?: (key: ObjectKey) => boolean
  /** Default: the system's clock. */
  readonly nowMs?: () => number
}

/** After a trial that failed. It is dozens of calls: readers must not bring it to a store that is in trouble. */
const againMs = 60_000

/**
 * For stores that forget what a writer says of an object: content type, checksums and attributes are kept in a small
 * object beside it, written after it and bound to its version by the ETag, so that one which is late, lost or left behind
 * is never believed. Without one the type is guessed from the name and checksums are unknown. Where the store keeps them
 * itself, everything passes through. Costs a small request more for each write, read and delete of what is covered, and
 * three for an upload in parts; a failure of one never fails the call. Its own objects appear in no listing.
 */
export function withSidecars(
  store: ObjectStore,
  { log, covers = () => true, nowMs = Date.now }: SidecarOptions,
): ObjectStore {
  const notes = createNotes(store, log)
  let forgets: boolean | undefined
  let failedAtMs = Number.NEGATIVE_INFINITY

  /** A store that cannot be tried, for reading only perhaps, is taken at its word. */
  const isForgetful = async (options: CallOptions): Promise<boolean> => {
    try {
      forgets ??= !(await store.capabilities(options)).objectMetadata
      return forgets
    } catch {
      options.signal.throwIfAborted()
      failedAtMs = nowMs()
      return false
    }
  }
  const isCovered = (key: ObjectKey) => !isSidecar(key) && covers(key)
  /** Before the store was tried: what has checksums, or no note, is no reason to try it. */
  const mayLack = async ({ key, checksums }: ObjectMeta, options: CallOptions) =>
    checksums === undefined && covers(key) && nowMs() - failedAtMs >= againMs && (await isForgetful(options))

  const remember = async (key: ObjectKey, result: PutOutcome, facts: Facts | undefined, options: CallOptions) => {
    if (result.outcome === 'applied' && facts !== undefined) await notes.write(key, result.etag, facts, options)
    return result
  }

  const noteOf = async (key: ObjectKey, options: CallOptions) => (covers(key) ? notes.read(key, options) : undefined)

  const head: ObjectStore['head'] = async (key, options) => {
    if (forgets === false || isSidecar(key)) return store.head(key, options)
    if (forgets) {
      const [meta, note] = await Promise.all([store.head(key, options), noteOf(key, options)])
      return meta && completed(meta, note)
    }
    const meta = await store.head(key, options)
    if (meta === undefined || !(await mayLack(meta, options))) return meta
    return completed(meta, await noteOf(key, options))
  }

  /** What `call` finds, with what is noted of it. */
  const completing =
    <Options extends CallOptions, Found extends { readonly meta: ObjectMeta }>(
      call: (key: ObjectKey, options: Options) => Promise<Found | undefined>,
    ) =>
    async (key: ObjectKey, options: Options): Promise<Found | undefined> => {
      if (forgets === false || isSidecar(key)) return call(key, options)
      if (forgets) {
        const [found, note] = await Promise.all([call(key, options), noteOf(key, options)])
        return found && { ...found, meta: completed(found.meta, note) }
      }
      const found = await call(key, options)
      if (found === undefined || !(await mayLack(found.meta, options))) return found
      return { ...found, meta: completed(found.meta, await noteOf(key, options)) }
    }

  return {
    ...store,
    head,
    get: completing(store.get),
    ...(store.read && { read: completing(store.read) }),

    async capabilities(options) {
      const own = await store.capabilities(options)
      forgets = !own.objectMetadata
      return forgets ? { ...own, objectMetadata: true, metadataBeside: true } : own
    },

    async list(request) {
      const page = await store.list(request)
      if (isSidecar(request.prefix)) return page
      const objects = page.objects.filter(({ key }) => !isSidecar(key))
      return { ...page, objects, prefixes: page.prefixes.filter((prefix) => !isSidecar(prefix)) }
    },

    async put(key, body, options) {
      if (!isCovered(key) || !(await isForgetful(options))) return store.put(key, body, options)
      return remember(key, await store.put(key, body, options), factsIn(options), options)
    },

    async delete(key, options) {
      const result = await store.delete(key, options)
      if (result.outcome === 'applied' && isCovered(key) && (await isForgetful(options))) {
        await notes.remove([key], options)
      }
      return result
    },

    async deleteMany(keys, options) {
      const results = await store.deleteMany(keys, options)
      const gone = results.flatMap(({ key, error }) => (error === undefined && isCovered(key) ? [key] : []))
      if (gone.length > 0 && (await isForgetful(options))) await notes.remove(gone, options)
      return results
    },

    async createMultipart(key, options) {
      const upload = await store.createMultipart(key, options)
      if (isCovered(key) && (await isForgetful(options))) {
        await notes.writeForUpload(upload, factsIn(options), options)
      }
      return upload
    },

    async completeMultipart(upload, parts, options) {
      if (!isCovered(upload.key) || !(await isForgetful(options))) {
        return store.completeMultipart(upload, parts, options)
      }
      const result = await store.completeMultipart(upload, parts, options)
      if (result.outcome !== 'applied') return result
      await remember(upload.key, result, await notes.readForUpload(upload, options), options)
      await notes.removeForUpload(upload, options)
      return result
    },

    async abortMultipart(upload, options) {
      await store.abortMultipart(upload, options)
      if (isCovered(upload.key) && (await isForgetful(options))) await notes.removeForUpload(upload, options)
    },
  }
}

const isSidecar = (name: string) => name.startsWith(sidecarPrefix)

/** What stores say of objects whose type they do not know. */
const untyped = /^(?:application|binary)\/octet-stream$/

function completed(meta: ObjectMeta, note: string | undefined): ObjectMeta {
  const facts = note === undefined ? undefined : decodeFacts(note, meta)
  if (facts !== undefined) return { ...meta, ...facts }
  return untyped.test(meta.contentType) ? { ...meta, contentType: contentTypeOf(meta.key) } : meta
}
