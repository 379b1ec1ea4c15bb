import type { Digests } from '../../ports/digests.ts'
import { type ObjectKey, parseObjectKey } from '../../ports/object-key.ts'
import type { CallOptions, Checksums, ETag, ObjectMeta, ObjectStore } from '../../ports/object-store.ts'

/**
 * Checksums that the store's own metadata cannot have: of objects stored in parts, where they are known only after the last
 * part, and of objects that others put there, once we have read them. Kept beside the objects, bound to the version by its ETag, so a stale record is never believed.
 */
export interface ObjectRecords {
  write(key: ObjectKey, etag: ETag, checksums: Checksums, options: CallOptions): Promise<void>
  /** The metadata with the checksums filled in where a record knows them. One read at most, none where the store told. */
  complete(meta: ObjectMeta, options: CallOptions): Promise<ObjectMeta>
}

const encoder = new TextEncoder()

export function createObjectRecords(deps: { store: ObjectStore; digests: Digests }): ObjectRecords {
  const { store, digests } = deps
  // Hashed, because a key may be as long as a key can be.
  const recordKey = (key: ObjectKey) => parseObjectKey(`records/${digests.sha256(encoder.encode(key))}.json`)

  return {
    async write(key, etag, checksums, { signal }) {
      const body = encoder.encode(JSON.stringify({ key, etag, ...checksums }))
      const result = await store.put(recordKey(key), body, { when: 'always', contentType: 'application/json', signal })
      if (result.outcome === 'unknown') throw result.cause
    },

    async complete(meta, { signal }) {
      if (meta.checksums !== undefined || meta.sizeBytes === 0) return meta
      const found = await store.get(recordKey(meta.key), { signal })
      if (found === undefined) return meta
      const checksums = parseRecord(await new Response(found.body).text(), meta.etag)
      return checksums === undefined ? meta : { ...meta, checksums }
    },
  }
}

function parseRecord(text: string, etag: ETag): Checksums | undefined {
  try {
    const record = JSON.parse(text) as Partial<Checksums & { etag: string }>
    if (record.etag !== etag) return undefined
    if (!/^[0-9a-f]{8}$/.test(record.crc32 ?? '') || !/^[0-9a-f]{64}$/.test(record.sha256 ?? '')) return undefined
    return { crc32: `${record.crc32}`, sha256: `${record.sha256}` }
  } catch {
    // A record is a cache: an unreadable one is the same as none.
    return undefined
  }
}
