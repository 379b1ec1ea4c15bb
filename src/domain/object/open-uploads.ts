import type { Clock } from '../../ports/clock.ts'
import type { Digests } from '../../ports/digests.ts'
import { UploadNotFound } from '../../ports/errors.ts'
import type { Log } from '../../ports/log.ts'
import { type ObjectKey, parseObjectKey } from '../../ports/object-key.ts'
import type { CallOptions, MultipartUpload, ObjectStore } from '../../ports/object-store.ts'
import { everyObject } from './list-objects.ts'
import type { Swept } from './sweep-prefix.ts'

/**
 * Which uploads this service has begun and not ended, kept in the store: parts that nobody joins are invisible, and cost as
 * much as any object. Only uploads that are noted here are ever dropped: those of others may be the work of hours.
 */
export interface OpenUploads {
  /** Costs one small put. Throws nothing but the signal's reason: an upload that is not noted is not swept, nothing else. */
  note(upload: MultipartUpload, options: CallOptions): Promise<void>
  /** The upload has ended. Costs one delete. Never throws. */
  forget(upload: MultipartUpload): Promise<void>
}

export interface SweptUploads extends OpenUploads {
  /** Drops uploads that were begun two days ago and never ended. Three requests each. Throws when they cannot be listed. */
  sweep(options: CallOptions): Promise<Swept>
}

export const openUploadsPrefix = 'open-uploads/'
const prefix = openUploadsPrefix
/** Longer than any request lasts: an upload of 92 GiB takes a day at 1 MB/s. */
const orphanedAfterMs = 48 * 60 * 60_000
const sweepEveryMs = 60 * 60_000
const sweepLimitMs = 60_000
/** An upload does not wait for longer than this for its note. */
const noteLimitMs = 10_000

/** Sweeps on the way, at most once an hour: what was killed while it uploaded leaves its parts to the next who uploads. */
export function createOpenUploads(deps: {
  store: ObjectStore
  digests: Pick<Digests, 'sha256'>
  clock: Clock
  log: Log
}): SweptUploads {
  const { store, digests, clock, log } = deps
  let sweptAtMs = Number.NEGATIVE_INFINITY

  const noteOf = ({ key, uploadId }: MultipartUpload): ObjectKey =>
    parseObjectKey(`${prefix}${digests.sha256(new TextEncoder().encode(`${key}\n${uploadId}`))}.json`)

  const drop = async (note: ObjectKey, options: CallOptions): Promise<void> => {
    const found = await store.get(note, options)
    const upload = found && decodeNote(await new Response(found.body).text())
    if (upload !== undefined) {
      await store.abortMultipart(upload, options).catch((error: unknown) => {
        if (!(error instanceof UploadNotFound)) throw error
      })
    }
    await store.delete(note, options)
  }

  const dropped = async (note: ObjectKey, options: CallOptions): Promise<boolean> => {
    try {
      await drop(note, options)
      return true
    } catch (error) {
      options.signal.throwIfAborted()
      log.warn('not-swept', { prefix, error })
      return false
    }
  }

  const sweep = async (options: CallOptions): Promise<Swept> => {
    let removed = 0
    let left = 0
    for await (const { key, lastModified } of everyObject(store, prefix, options)) {
      if (clock.nowMs() - lastModified.getTime() <= orphanedAfterMs) continue
      // One that cannot be dropped does not keep the others.
      if (await dropped(key, options)) removed += 1
      else left += 1
    }
    return { removed, left }
  }

  const sweepOnTheWay = async (): Promise<void> => {
    try {
      const { removed } = await sweep({ signal: AbortSignal.timeout(sweepLimitMs) })
      if (removed > 0) log.info('swept', { prefix, count: removed })
    } catch (error) {
      log.warn('not-swept', { prefix, error })
    }
  }

  return {
    sweep,

    async note(upload, { signal }) {
      const options = { signal: AbortSignal.any([signal, AbortSignal.timeout(noteLimitMs)]) }
      try {
        const { abortMultipart } = await store.capabilities(options)
        if (!abortMultipart) return
        const body = new TextEncoder().encode(JSON.stringify({ key: upload.key, uploadId: upload.uploadId }))
        const written = await store.put(noteOf(upload), body, {
          ...options,
          when: 'always',
          contentType: 'application/json',
        })
        if (written.outcome === 'unknown') throw written.cause
      } catch (error) {
        signal.throwIfAborted()
        log.warn('upload-not-noted', { error })
      }
      if (clock.nowMs() - sweptAtMs < sweepEveryMs) return
      sweptAtMs = clock.nowMs()
      void sweepOnTheWay()
    },

    async forget(upload) {
      try {
        // Not the request's signal: a client that leaves has ended his upload all the same.
        await store.delete(noteOf(upload), { signal: AbortSignal.timeout(noteLimitMs) })
      } catch (error) {
        log.warn('upload-note-left', { error })
      }
    },
  }
}

/** `undefined` for what is none of ours. */
function decodeNote(text: string): MultipartUpload | undefined {
  try {
    const { key, uploadId } = JSON.parse(text) as { key?: unknown; uploadId?: unknown }
    return typeof key === 'string' && typeof uploadId === 'string' ? { key: parseObjectKey(key), uploadId } : undefined
  } catch {
    return undefined
  }
}
