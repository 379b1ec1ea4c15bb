import type { R2Bucket, R2Conditional, R2GetOptions, R2Object, R2ObjectBody } from '@cloudflare/workers-types'
import {
  type CodedError,
  InvalidParts,
  PreconditionFailed,
  StoreMisbehaved,
  StoreUnavailable,
  UnsupportedByStore,
} from '../../ports/errors.ts'
import { isLeftOut, objectKeyOrUndefined } from '../../ports/object-key.ts'
import type { ETag, ObjectStore, PutCondition, PutOutcome, Range, StoreCapabilities } from '../../ports/object-store.ts'
import { resolveRange } from '../../ports/range.ts'
import { watchedBody } from './body.ts'
import { untilAborted } from './errors.ts'
import { listedObject, objectMeta, writtenMetadata } from './meta.ts'

/** Of the binding, as documented and as workerd does it. `complete` and `delete` take no conditions there. */
const capabilities: StoreCapabilities = {
  conditionalPut: 'atomic',
  conditionalComplete: 'none',
  conditionalDelete: 'none',
  batchDelete: true,
  listParts: false,
  abortMultipart: true,
  objectMetadata: true,
  presign: false,
  minPartBytes: 5 * 2 ** 20,
  maxPartBytes: 95 * 2 ** 20,
  maxParts: 10_000,
}

const deletesPerCall = 1000

/**
 * A bucket bound to a Worker. ETags are R2's own, which two versions with the same bytes share; all parts of an upload but
 * the last must be equally long.
 */
export function createR2ObjectStore(options: { bucket: R2Bucket; prefix: string }): ObjectStore {
  const { bucket } = options
  const base = options.prefix === '' ? '' : `${options.prefix}/`

  /** A write whose answer is lost may have happened; everything else that is thrown is certain. */
  const written = async (write: () => Promise<PutOutcome>): Promise<PutOutcome> => {
    try {
      return await write()
    } catch (error) {
      if (error instanceof StoreUnavailable) return { outcome: 'unknown', cause: error }
      throw error
    }
  }

  return {
    async capabilities({ signal }) {
      signal.throwIfAborted()
      return capabilities
    },

    put: (key, body, { signal, when, ...facts }) =>
      written(() =>
        untilAborted(signal, async () => {
          const object: R2Object | null = await bucket.put(base + key, body, {
            ...writtenMetadata(facts),
            ...onlyIf(when),
          })
          return object === null ? { outcome: 'rejected' } : { outcome: 'applied', etag: object.etag as ETag }
        }),
      ),

    async get(key, { signal, range, ifMatch }) {
      const condition = ifMatch === undefined ? {} : { onlyIf: { etagMatches: ifMatch } }
      const found = await openRange(bucket, base + key, { ...condition, ...r2Range(range) }, { range, signal })
      if (found === null) return undefined
      if (!hasBody(found)) throw new PreconditionFailed('another version is stored')
      const { offset, lengthBytes } = resolveRange(range, found.size)
      return { meta: objectMeta(key, found), offset, lengthBytes, body: watchedBody(found.body, lengthBytes, signal) }
    },

    async read(key, { signal, range, ifMatch, maxBytes }) {
      const condition = ifMatch === undefined ? {} : { onlyIf: { etagMatches: ifMatch } }
      const found = await openRange(bucket, base + key, { ...condition, ...r2Range(range) }, { range, signal })
      if (found === null) return undefined
      if (!hasBody(found)) throw new PreconditionFailed('another version is stored')
      const { offset, lengthBytes } = resolveRange(range, found.size)
      if (lengthBytes > maxBytes) {
        await found.body.cancel().catch(() => {})
        throw new StoreMisbehaved(`there are ${lengthBytes} bytes where at most ${maxBytes} were asked for`)
      }
      const bytes = new Uint8Array(await untilAborted(signal, () => found.arrayBuffer()))
      if (bytes.byteLength !== lengthBytes) throw new StoreUnavailable('the body has another length than announced')
      return { meta: objectMeta(key, found), offset, bytes }
    },

    async head(key, { signal }) {
      const object = await untilAborted(signal, () => bucket.head(base + key))
      return object === null ? undefined : objectMeta(key, object)
    },

    async list({ signal, prefix, delimiter, cursor, limit }) {
      const page = await untilAborted(signal, () =>
        bucket.list({
          prefix: base + prefix,
          limit,
          ...(delimiter === undefined ? {} : { delimiter }),
          ...(cursor === undefined ? {} : { cursor }),
        }),
      )
      const objects = page.objects.flatMap((object) => {
        const key = objectKeyOrUndefined(object.key.slice(base.length))
        return key === undefined ? [] : [listedObject(key, object)]
      })
      const leftOut = page.objects.filter(({ key }) => isLeftOut(key.slice(base.length))).length
      return {
        objects,
        prefixes: page.delimitedPrefixes.map((found) => found.slice(base.length)),
        cursor: page.truncated ? page.cursor : undefined,
        ...(leftOut > 0 && { leftOut }),
      }
    },

    async delete(key, { signal, ifMatch }) {
      signal.throwIfAborted()
      if (ifMatch !== undefined) throw new UnsupportedByStore('conditionalDelete')
      try {
        await untilAborted(signal, () => bucket.delete(base + key))
        return { outcome: 'applied' }
      } catch (error) {
        if (error instanceof StoreUnavailable) return { outcome: 'unknown', cause: error }
        throw error
      }
    },

    async deleteMany(keys, { signal }) {
      const errors: (CodedError | undefined)[] = []
      for (let start = 0; start < keys.length; start += deletesPerCall) {
        const some = keys.slice(start, start + deletesPerCall)
        let failed: CodedError | undefined
        try {
          await untilAborted(signal, () => bucket.delete(some.map((key) => base + key)))
        } catch (error) {
          if (signal.aborted) throw error
          failed = error as CodedError
        }
        errors.push(...some.map(() => failed))
      }
      return keys.map((key, index) => ({ key, error: errors[index] }))
    },

    async createMultipart(key, { signal, ...facts }) {
      const { uploadId } = await untilAborted(signal, () =>
        bucket.createMultipartUpload(base + key, writtenMetadata(facts)),
      )
      return { key, uploadId }
    },

    async putPart({ key, uploadId }, partNumber, body, { signal }) {
      const upload = bucket.resumeMultipartUpload(base + key, uploadId)
      const { etag } = await untilAborted(signal, () => upload.uploadPart(partNumber, body))
      return { partNumber, etag, sizeBytes: body.byteLength }
    },

    async listParts(_, { signal }) {
      signal.throwIfAborted()
      throw new UnsupportedByStore('listParts')
    },

    async completeMultipart({ key, uploadId }, parts, { signal, when }) {
      signal.throwIfAborted()
      if (when !== 'always') throw new UnsupportedByStore('conditionalComplete')
      if (parts.length === 0) throw new InvalidParts('an object needs at least one part')
      const upload = bucket.resumeMultipartUpload(base + key, uploadId)
      const ordered = [...parts].sort((a, b) => a.partNumber - b.partNumber)
      const named = ordered.map(({ partNumber, etag }) => ({ partNumber, etag }))
      return await written(() =>
        untilAborted(signal, async () => {
          const { etag } = await upload.complete(named)
          return { outcome: 'applied', etag: etag as ETag }
        }),
      )
    },

    async abortMultipart({ key, uploadId }, { signal }) {
      await untilAborted(signal, () => bucket.resumeMultipartUpload(base + key, uploadId).abort())
    },
  }
}

/** R2 words a range that does not exist in several ways, so whether it does is judged by the size of the object. */
async function openRange(
  bucket: R2Bucket,
  name: string,
  options: R2GetOptions & { onlyIf?: R2Conditional },
  { range, signal }: { range: Range | undefined; signal: AbortSignal },
): Promise<R2ObjectBody | R2Object | null> {
  try {
    return await untilAborted(signal, () => bucket.get(name, options))
  } catch (error) {
    if (range === undefined || signal.aborted) throw error
    const object = await untilAborted(signal, () => bucket.head(name))
    if (object !== null) resolveRange(range, object.size)
    throw error
  }
}

/** R2 compares ETags without quotes, and throws at quoted ones. */
function onlyIf(when: PutCondition) {
  if (when === 'always') return {}
  return { onlyIf: when === 'if-absent' ? { etagDoesNotMatch: '*' } : { etagMatches: when.ifMatch } }
}

function r2Range(range: Range | undefined) {
  if (range === undefined) return {}
  return { range: 'suffixLength' in range ? { suffix: range.suffixLength } : range }
}

function hasBody(object: R2Object | R2ObjectBody): object is R2ObjectBody {
  return 'body' in object && object.body !== null
}
