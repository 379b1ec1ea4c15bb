import type { Digests } from '../../ports/digests.ts'
import { type ObjectKey, parseObjectKey } from '../../ports/object-key.ts'
import type { CallOptions, Checksums, ETag, ObjectMeta, ObjectStore } from '../../ports/object-store.ts'

/** Of objects that others put there, often the CRC-32 alone: it can be put together from parts, which SHA-256 cannot. */
export type KnownChecksums = Pick<Checksums, 'crc32'> & Partial<Checksums>

/**
 * Checksums that the store's own metadata cannot have: of objects stored in parts, where they are known only after the last
 * part, and of objects that others put there, once we have read them. Kept beside the objects, bound to the version by its ETag, so a stale record is never believed.
 */
export interface ObjectRecords {
  write(key: ObjectKey, etag: ETag, checksums: KnownChecksums, options: CallOptions): Promise<void>
  /** What the metadata says, or else a record of just this version. One read at most, none where the store told. */
  find(
    meta: Pick<ObjectMeta, 'key' | 'etag' | 'sizeBytes' | 'checksums'>,
    options: CallOptions,
  ): Promise<KnownChecksums | undefined>
  /** The metadata with the checksums filled in where a record knows both. Costs what `find` costs. */
  complete(meta: ObjectMeta, options: CallOptions): Promise<ObjectMeta>
}

const encoder = new TextEncoder()

export function createObjectRecords(deps: { store: ObjectStore; digests: Digests }): ObjectRecords {
  const { store, digests } = deps
  // Hashed, because a key may be as long as a key can be.
  const recordKey = (key: ObjectKey) => parseObjectKey(`records/${digests.sha256(encoder.encode(key))}.json`)

  const find: ObjectRecords['find'] = async ({ key, etag, sizeBytes, checksums }, { signal }) => {
    if (checksums !== undefined || sizeBytes === 0) return checksums
    const found = await store.get(recordKey(key), { signal })
    return found && parseRecord(await new Response(found.body).text(), etag)
  }

  return {
    find,

    async write(key, etag, checksums, { signal }) {
      const body = encoder.encode(JSON.stringify({ key, etag, ...checksums }))
      const result = await store.put(recordKey(key), body, { when: 'always', contentType: 'application/json', signal })
      if (result.outcome === 'unknown') throw result.cause
    },

    async complete(meta, options) {
      const { crc32, sha256 } = (await find(meta, options)) ?? {}
      return crc32 === undefined || sha256 === undefined ? meta : { ...meta, checksums: { crc32, sha256 } }
    },
  }
}

function parseRecord(text: string, etag: ETag): KnownChecksums | undefined {
  try {
    const { crc32, sha256, ...record } = JSON.parse(text) as Partial<Checksums & { etag: string }>
    if (record.etag !== etag || !/^[0-9a-f]{8}$/.test(crc32 ?? '')) return undefined
    return { crc32: `${crc32}`, ...(/^[0-9a-f]{64}$/.test(sha256 ?? '') && { sha256: `${sha256}` }) }
  } catch {
    // A record is a cache: an unreadable one is the same as none.
    return undefined
  }
}
