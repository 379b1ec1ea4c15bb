import { describe, expect, it } from 'vitest'
import { createMemoryObjectStore } from '../../../src/adapters/memory/object-store.ts'
import { createDigests } from '../../../src/adapters/node-crypto/digests.ts'
import { createObjectRecords } from '../../../src/domain/object/object-record.ts'
import { parseObjectKey } from '../../../src/ports/object-key.ts'
import type { Checksums, ETag, ObjectMeta } from '../../../src/ports/object-store.ts'
import { watch } from '../export/watched-store.ts'

const { signal } = new AbortController()
const key = parseObjectKey('files/x.bin')
const sums: Checksums = { crc32: '00c0ffee', sha256: 'ab'.repeat(32) }
const meta: ObjectMeta = {
  key,
  etag: 'e1' as ETag,
  sizeBytes: 5,
  lastModified: new Date(0),
  contentType: 'a/b',
  checksums: undefined,
  attributes: {},
}

function stage() {
  const store = watch(createMemoryObjectStore({ nowMs: () => 0 }))
  return { store, records: createObjectRecords({ store, digests: createDigests() }) }
}

describe('a record of checksums', () => {
  it('is found for its version, with one read, and for no other', async () => {
    const { store, records } = stage()
    await records.write(key, meta.etag, sums, { signal })
    expect(await records.find(meta, { signal })).toEqual(sums)
    expect(await records.complete(meta, { signal })).toEqual({ ...meta, checksums: sums })
    expect(store.asked).toHaveLength(2)
    const other = { ...meta, etag: 'e2' as ETag }
    expect(await records.find(other, { signal })).toBeUndefined()
    expect(await records.complete(other, { signal })).toEqual(other)
  })

  it('is not read for what the store told, nor for what has no byte', async () => {
    const { store, records } = stage()
    const told = { ...meta, checksums: sums }
    expect(await records.complete(told, { signal })).toEqual(told)
    expect(await records.find(told, { signal })).toEqual(sums)
    expect(await records.find({ ...meta, sizeBytes: 0 }, { signal })).toBeUndefined()
    expect(store.asked).toEqual([])
  })

  it('of the CRC-32 alone is good for that, and completes no metadata', async () => {
    const { records } = stage()
    await records.write(key, meta.etag, { crc32: sums.crc32 }, { signal })
    expect(await records.find(meta, { signal })).toEqual({ crc32: sums.crc32 })
    expect(await records.complete(meta, { signal })).toBe(meta)
  })

  it.each(['', '{', 'null', '[]', '{"etag":"e1"}', '{"etag":"e1","crc32":"C0FFEE00"}', '{"etag":"e1","crc32":5}'])(
    'that is broken is none: %j',
    async (text) => {
      const { store, records } = stage()
      await records.write(key, meta.etag, sums, { signal })
      const { objects } = await store.list({ prefix: 'records/', limit: 1, signal })
      const written = objects[0]?.key ?? key
      await store.put(written, Buffer.from(text), { contentType: 'a/b', when: 'always', signal })
      expect(await records.find(meta, { signal })).toBeUndefined()
    },
  )
})
