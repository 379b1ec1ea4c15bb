import type { Log } from '../../ports/log.ts'
import { type ObjectKey, parseObjectKey } from '../../ports/object-key.ts'
import type { CallOptions, ETag, MultipartUpload, ObjectStore } from '../../ports/object-store.ts'
import { decodeFacts, encodeFacts, type Facts } from './facts.ts'

/** Where they lie: below this, under hashes, because a key may be as long as a key can be. */
export const sidecarPrefix = 'sidecars/'

/** What one of them may take. They are small, and nobody waits longer for what can be done without. */
const noteMs = 5_000
/** The removal of many may take so much longer for each. */
const removalEachMs = 50

/** The facts of objects and of open uploads, in objects of their own. Nothing here throws but the signal's reason. */
export interface Notes {
  write(key: ObjectKey, etag: ETag, facts: Facts, options: CallOptions): Promise<void>
  read(key: ObjectKey, options: CallOptions): Promise<string | undefined>
  remove(keys: readonly ObjectKey[], options: CallOptions): Promise<void>
  writeForUpload(upload: MultipartUpload, facts: Facts, options: CallOptions): Promise<void>
  readForUpload(upload: MultipartUpload, options: CallOptions): Promise<Facts | undefined>
  removeForUpload(upload: MultipartUpload, options: CallOptions): Promise<void>
}

export function createNotes(store: ObjectStore, log: Pick<Log, 'warn'>): Notes {
  /** Within its time; a failure is told to the log, and to nobody else. */
  const attempt = async <Result>(
    event: string,
    { signal }: CallOptions,
    { limitMs, ...about }: { limitMs: number; key: ObjectKey } | { limitMs: number; count: number },
    work: (options: CallOptions) => Promise<Result>,
  ): Promise<Result | undefined> => {
    try {
      return await work({ signal: AbortSignal.any([signal, AbortSignal.timeout(limitMs)]) })
    } catch (error) {
      signal.throwIfAborted()
      log.warn(event, { ...about, error })
      return undefined
    }
  }

  const put = (key: ObjectKey, at: Promise<ObjectKey>, body: Uint8Array, options: CallOptions) =>
    attempt('sidecar-not-written', options, { limitMs: noteMs, key }, async ({ signal }) => {
      const written = await store.put(await at, body, { signal, when: 'always', contentType: 'application/json' })
      if (written.outcome === 'unknown') throw written.cause
    })

  const text = (key: ObjectKey, at: Promise<ObjectKey>, options: CallOptions) =>
    attempt('sidecar-not-read', options, { limitMs: noteMs, key }, async ({ signal }) => {
      const found = await store.get(await at, { signal })
      return found && (await new Response(found.body).text())
    })

  const drop = (at: readonly Promise<ObjectKey>[], options: CallOptions) =>
    attempt(
      'sidecars-not-removed',
      options,
      { limitMs: noteMs + at.length * removalEachMs, count: at.length },
      async ({ signal }) => {
        const removed = await store.deleteMany(await Promise.all(at), { signal })
        const left = removed.find(({ error }) => error !== undefined)
        if (left !== undefined) throw left.error
      },
    )

  return {
    async write(key, etag, facts, options) {
      await put(key, noteOf(key), encodeFacts({ key, etag }, facts), options)
    },

    read: (key, options) => text(key, noteOf(key), options),

    async remove(keys, options) {
      if (keys.length > 0) await drop(keys.map(noteOf), options)
    },

    async writeForUpload(upload, facts, options) {
      await put(upload.key, noteOfUpload(upload), encodeFacts({ key: upload.key }, facts), options)
    },

    async readForUpload(upload, options) {
      const json = await text(upload.key, noteOfUpload(upload), options)
      return json === undefined ? undefined : decodeFacts(json, { key: upload.key })
    },

    async removeForUpload(upload, options) {
      await drop([noteOfUpload(upload)], options)
    },
  }
}

const encoder = new TextEncoder()

async function sha256Of(text: string): Promise<string> {
  const hash = await crypto.subtle.digest('SHA-256', encoder.encode(text))
  return [...new Uint8Array(hash)].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}

const noteOf = async (key: ObjectKey) => parseObjectKey(`${sidecarPrefix}${await sha256Of(key)}.json`)

const noteOfUpload = async ({ uploadId }: MultipartUpload) =>
  parseObjectKey(`${sidecarPrefix}uploads/${await sha256Of(uploadId)}.json`)
