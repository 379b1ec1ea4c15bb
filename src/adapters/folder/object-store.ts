import { CodedError, PreconditionFailed, StoreMisbehaved } from '../../ports/errors.ts'
import type { ObjectKey } from '../../ports/object-key.ts'
import type { DeleteResult, ETag, ObjectStore, PutOutcome, StoreCapabilities } from '../../ports/object-store.ts'
import { resolveRange } from '../../ports/range.ts'
import { untilAborted } from './abortable.ts'
import { bodyOf } from './body.ts'
import { prepareFile } from './durable.ts'
import { translated } from './errors.ts'
import { type Installation, install, isLost } from './install.ts'
import { listPage } from './list.ts'
import { createLocks, type FileLock, loadFileLock } from './locks.ts'
import { createPlace, type Place } from './place.ts'
import { openObject, readMeta } from './read.ts'
import { remove } from './remove.ts'
import { encodeFacts, type Facts } from './sidecars.ts'
import { sweep } from './sweep.ts'
import { joinedParts, openUpload, readUpload, retireUpload, storedParts, storePart } from './uploads.ts'

export interface FolderObjectStoreOptions {
  /** Becomes exactly the tree of the keys. Made when missing. */
  readonly root: string
  /** Our own bookkeeping: outside of `root`, on the same file system. May be shared by several roots and processes. */
  readonly stateDir: string
  readonly nowMs: () => number
  /** The system's file locks; by default those of `fs-native-extensions`. Without them conditions are `checked` only. */
  readonly loadFileLock?: () => Promise<FileLock | undefined>
}

const deletesAtOnce = 8
const writeChunkBytes = 2 ** 20

/**
 * Objects as files, and files as objects: whatever lies under `root` under a valid name is one, whoever put it there.
 * Every write is whole on disk before it is seen, and conditions hold between all processes on this machine. Symbolic
 * links and other oddities are not followed, not listed and not replaced.
 */
export function createFolderObjectStore(options: FolderObjectStoreOptions): ObjectStore {
  const { nowMs } = options
  // Beside the first call, which does not wait for it.
  const openPlace = createPlace(options, (place) => void sweep(place, nowMs()))
  const locks = createLocks(options.loadFileLock ?? loadFileLock)

  /** Every call: the signal first, the system's errors translated, left when the signal is aborted. */
  const call = async <T>(signal: AbortSignal, work: (place: Place) => Promise<T>): Promise<T> => {
    signal.throwIfAborted()
    try {
      return await untilAborted(
        signal,
        openPlace().then((place) => {
          signal.throwIfAborted()
          return work(place)
        }),
      )
    } catch (error) {
      throw signal.aborted && error === signal.reason ? error : translated(error)
    }
  }

  const store = async (
    installation: Installation,
    facts: Facts,
    pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
    steps?: Parameters<typeof install>[3],
  ): Promise<PutOutcome> => {
    if (await isLost(installation)) return { outcome: 'rejected' }
    const { place, signal } = installation
    const writing = { nowMs: nowMs(), signal }
    const preparing = [
      prepareFile(place.temporary, pieces, writing),
      prepareFile(place.temporary, [encodeFacts(facts)], writing),
    ] as const
    try {
      return await install(installation, ...(await Promise.all(preparing)), steps)
    } finally {
      for (const prepared of await Promise.allSettled(preparing)) {
        if (prepared.status === 'fulfilled') await prepared.value.discard()
      }
    }
  }

  const deleteOne = (key: ObjectKey, signal: AbortSignal, ifMatch?: ETag) =>
    call(signal, (place) => remove({ place, locks, key, ifMatch, signal }))

  const deleteResult = async (key: ObjectKey, signal: AbortSignal): Promise<DeleteResult> => {
    try {
      const deleted = await deleteOne(key, signal)
      return { key, error: deleted.outcome === 'unknown' ? deleted.cause : undefined }
    } catch (error) {
      if (signal.aborted) throw error
      return {
        key,
        error: error instanceof CodedError ? error : new StoreMisbehaved('a delete failed', { cause: error }),
      }
    }
  }

  return {
    capabilities: ({ signal }) =>
      call(signal, async ({ locks: folder }) => capabilities(await locks.reachOthers(folder))),

    put: (key, body, { signal, when, contentType, checksums, attributes = {} }) =>
      call(signal, (place) =>
        store({ place, locks, key, when, nowMs, signal }, { contentType, checksums, attributes }, copies(body)),
      ),

    get: (key, { signal, range, ifMatch }) =>
      call(signal, async (place) => {
        const open = await openObject(place, key)
        if (open === undefined) return undefined
        try {
          signal.throwIfAborted()
          if (ifMatch !== undefined && open.meta.etag !== ifMatch) {
            throw new PreconditionFailed('another version is stored')
          }
          const slice = resolveRange(range, open.meta.sizeBytes)
          return { meta: open.meta, ...slice, body: bodyOf(open.handle, open.version, slice, signal) }
        } catch (error) {
          await open.handle.close()
          throw error
        }
      }),

    head: (key, { signal }) => call(signal, (place) => readMeta(place, key)),

    list: ({ signal, prefix, delimiter, cursor, limit }) =>
      call(signal, ({ root }) => listPage({ root, prefix, delimiter, cursor }, limit, signal)),

    delete: (key, { signal, ifMatch }) => deleteOne(key, signal, ifMatch),

    async deleteMany(keys, { signal }) {
      signal.throwIfAborted()
      const results: DeleteResult[] = []
      for (let i = 0; i < keys.length; i += deletesAtOnce) {
        const some = keys.slice(i, i + deletesAtOnce)
        results.push(...(await Promise.all(some.map((key) => deleteResult(key, signal)))))
      }
      return results
    },

    createMultipart: (key, { signal, contentType, checksums, attributes = {} }) =>
      call(signal, async (place) => {
        const facts = { contentType, checksums, attributes }
        return { key, uploadId: await openUpload(place, key, facts, { nowMs: nowMs(), signal }) }
      }),

    putPart: (upload, partNumber, body, { signal }) =>
      call(signal, (place) => storePart(place, locks, upload, partNumber, copies(body), { nowMs: nowMs(), signal })),

    listParts: (upload, { signal }) => call(signal, (place) => storedParts(place, upload)),

    completeMultipart: (upload, parts, { signal, when }) =>
      call(signal, async (place) => {
        const facts = await readUpload(place, upload)
        return store({ place, locks, key: upload.key, when, nowMs, signal }, facts, joinedParts(place, upload, parts), {
          // Of two that complete the same upload, the second finds it gone.
          claim: async () => void (await readUpload(place, upload)),
          applied: () => retireUpload(place, upload).catch(() => {}),
        })
      }),

    abortMultipart: (upload, { signal }) => call(signal, (place) => retireUpload(place, upload)),
  }
}

/** The pieces of a body, each a copy: the caller may use his memory again when an abort has ended the call amid a write. */
function* copies(body: Uint8Array): Generator<Uint8Array> {
  for (let offset = 0; offset < body.byteLength; offset += writeChunkBytes) {
    yield body.slice(offset, offset + writeChunkBytes)
  }
}

function capabilities(locksReachOthers: boolean): StoreCapabilities {
  const condition = locksReachOthers ? 'atomic' : 'checked'
  return {
    conditionalPut: condition,
    conditionalComplete: condition,
    conditionalDelete: condition,
    batchDelete: true,
    listParts: true,
    abortMultipart: true,
    objectMetadata: true,
    presign: false,
    minPartBytes: 1,
    maxPartBytes: 2 ** 30,
    maxParts: 10_000,
  }
}
