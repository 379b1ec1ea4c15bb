import { InvalidParts, PreconditionFailed, UploadNotFound } from '../../ports/errors.ts'
import type { ObjectKey } from '../../ports/object-key.ts'
import type {
  Checksums,
  ETag,
  ObjectMeta,
  ObjectStore,
  Part,
  PutCondition,
  PutOutcome,
  StoreCapabilities,
} from '../../ports/object-store.ts'
import { resolveRange } from '../../ports/range.ts'
import { listPage } from './list-page.ts'

const capabilities: StoreCapabilities = {
  conditionalPut: 'atomic',
  conditionalComplete: 'atomic',
  conditionalDelete: 'atomic',
  batchDelete: true,
  listParts: true,
  abortMultipart: true,
  objectMetadata: true,
  presign: false,
  minPartBytes: 1,
  maxPartBytes: 2 ** 30,
  maxParts: 10_000,
}

const bodyChunkBytes = 256 * 1024

interface Kept {
  readonly meta: ObjectMeta
  readonly body: Uint8Array
}

interface OpenUpload {
  readonly key: ObjectKey
  readonly contentType: string
  readonly checksums: Checksums | undefined
  readonly attributes: Readonly<Record<string, string>>
  readonly parts: Map<number, { part: Part; body: Uint8Array }>
}

/**
 * The whole port in memory: the reference for its meaning, the double in tests, and a store for trying things out.
 * Everything is lost with the process.
 */
export function createMemoryObjectStore(options: { nowMs: () => number }): ObjectStore {
  const objects = new Map<ObjectKey, Kept>()
  const uploads = new Map<string, OpenUpload>()
  let versions = 0

  const holds = (key: ObjectKey, when: PutCondition): boolean => {
    if (when === 'always') return true
    const current = objects.get(key)
    return when === 'if-absent' ? current === undefined : current?.meta.etag === when.ifMatch
  }

  const keep = (
    key: ObjectKey,
    body: Uint8Array,
    facts: Pick<OpenUpload, 'contentType' | 'checksums' | 'attributes'>,
  ): PutOutcome => {
    versions += 1
    const etag = `m${versions.toString(36)}-${body.byteLength.toString(36)}` as ETag
    const { contentType, checksums, attributes } = facts
    objects.set(key, {
      body,
      meta: {
        key,
        sizeBytes: body.byteLength,
        etag,
        lastModified: new Date(options.nowMs()),
        contentType,
        checksums,
        attributes,
      },
    })
    return { outcome: 'applied', etag }
  }

  const openUpload = (uploadId: string): OpenUpload => {
    const upload = uploads.get(uploadId)
    if (upload === undefined) throw new UploadNotFound('no such upload')
    return upload
  }

  return {
    async capabilities({ signal }) {
      signal.throwIfAborted()
      return capabilities
    },

    async put(key, body, { signal, when, contentType, checksums, attributes = {} }) {
      signal.throwIfAborted()
      if (!holds(key, when)) return { outcome: 'rejected' }
      return keep(key, body.slice(), { contentType, checksums, attributes })
    },

    async get(key, { signal, range, ifMatch }) {
      signal.throwIfAborted()
      const kept = objects.get(key)
      if (kept === undefined) return undefined
      if (ifMatch !== undefined && kept.meta.etag !== ifMatch) throw new PreconditionFailed('another version is stored')
      const { offset, lengthBytes } = resolveRange(range, kept.meta.sizeBytes)
      const bytes = kept.body.subarray(offset, offset + lengthBytes)
      return { meta: kept.meta, offset, lengthBytes, body: streamOf(bytes, signal) }
    },

    async head(key, { signal }) {
      signal.throwIfAborted()
      return objects.get(key)?.meta
    },

    async list({ signal, ...request }) {
      signal.throwIfAborted()
      return listPage(
        objects.values().map(({ meta }) => meta),
        request,
      )
    },

    async delete(key, { signal, ifMatch }) {
      signal.throwIfAborted()
      if (ifMatch !== undefined && !holds(key, { ifMatch })) return { outcome: 'rejected' }
      objects.delete(key)
      return { outcome: 'applied' }
    },

    async deleteMany(keys, { signal }) {
      signal.throwIfAborted()
      for (const key of keys) objects.delete(key)
      return keys.map((key) => ({ key, error: undefined }))
    },

    async createMultipart(key, { signal, contentType, checksums, attributes = {} }) {
      signal.throwIfAborted()
      versions += 1
      const uploadId = `u${versions.toString(36)}`
      uploads.set(uploadId, { key, contentType, checksums, attributes, parts: new Map() })
      return { key, uploadId }
    },

    async putPart({ uploadId }, partNumber, body, { signal }) {
      signal.throwIfAborted()
      const upload = openUpload(uploadId)
      versions += 1
      const part: Part = { partNumber, etag: `p${versions.toString(36)}`, sizeBytes: body.byteLength }
      upload.parts.set(partNumber, { part, body: body.slice() })
      return part
    },

    async listParts({ uploadId }, { signal }) {
      signal.throwIfAborted()
      const kept = openUpload(uploadId).parts.values()
      return [...kept.map(({ part }) => part)].sort((a, b) => a.partNumber - b.partNumber)
    },

    async completeMultipart({ key, uploadId }, parts, { signal, when }) {
      signal.throwIfAborted()
      const upload = openUpload(uploadId)
      const bodies = [...parts]
        .sort((a, b) => a.partNumber - b.partNumber)
        .map((part) => {
          const kept = upload.parts.get(part.partNumber)
          if (kept === undefined || kept.part.etag !== part.etag)
            throw new InvalidParts(`part ${part.partNumber} is not stored`)
          return kept.body
        })
      if (bodies.length === 0) throw new InvalidParts('an object needs at least one part')
      if (!holds(key, when)) return { outcome: 'rejected' }
      uploads.delete(uploadId)
      return keep(key, joined(bodies), upload)
    },

    async abortMultipart({ uploadId }, { signal }) {
      signal.throwIfAborted()
      uploads.delete(uploadId)
    },
  }
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((sum, { byteLength }) => sum + byteLength, 0))
  let offset = 0
  for (const piece of pieces) {
    whole.set(piece, offset)
    offset += piece.byteLength
  }
  return whole
}

function streamOf(bytes: Uint8Array, signal: AbortSignal): ReadableStream<Uint8Array> {
  let offset = 0
  return new ReadableStream(
    {
      pull(controller) {
        if (signal.aborted) return controller.error(signal.reason)
        if (offset >= bytes.byteLength) return controller.close()
        const end = Math.min(offset + bodyChunkBytes, bytes.byteLength)
        // A copy, so that a reader which changes or transfers its chunk does not change the object.
        controller.enqueue(bytes.slice(offset, end))
        offset = end
      },
    },
    { highWaterMark: 0 },
  )
}
