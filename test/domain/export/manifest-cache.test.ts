import { expect, it } from 'vitest'
import { createDigests } from '../../../src/adapters/node-crypto/digests.ts'
import { freeze } from '../../../src/domain/export/frozen-export.ts'
import { writerVersion } from '../../../src/domain/export/manifest.ts'
import { createManifestCache } from '../../../src/domain/export/manifest-cache.ts'
import type { ETag } from '../../../src/ports/object-store.ts'
import { entryOf } from './sample-archive.ts'

const v1 = 'v1' as ETag
const v2 = 'v2' as ETag

const exportOf = (files: number) =>
  freeze(createDigests(), {
    id: 'x',
    name: 'x',
    createdAt: '2026-01-02T03:04:05.678Z',
    expiresAt: '2026-01-09T03:04:05.678Z',
    writerVersion,
    entries: Array.from({ length: files }, (_, index) => entryOf({ name: `${index}` })),
    missing: [],
    empty: [],
    leftOut: 0,
  })

it('gives back just the version that was kept', () => {
  const cache = createManifestCache(10)
  const kept = exportOf(1)
  cache.keep('a', v1, kept)
  expect(cache.get('a', v1)).toBe(kept)
  expect(cache.get('a', v2)).toBeUndefined()
  expect(cache.get('b', v1)).toBeUndefined()
})

it('holds so many entries together, those that were used last', () => {
  const cache = createManifestCache(10)
  const held = () => ['a', 'b', 'c', 'd'].filter((id) => cache.get(id, v1) !== undefined)
  for (const id of ['a', 'b', 'c']) cache.keep(id, v1, exportOf(3))
  expect(held()).toEqual(['a', 'b', 'c'])
  cache.get('a', v1)
  cache.keep('d', v1, exportOf(4))
  expect(held()).toEqual(['a', 'c', 'd'])
})

it('does not make room for what is larger than all of it', () => {
  const cache = createManifestCache(10)
  cache.keep('a', v1, exportOf(3))
  cache.keep('b', v1, exportOf(11))
  expect([cache.get('a', v1) !== undefined, cache.get('b', v1)]).toEqual([true, undefined])
  cache.keep('a', v2, exportOf(10))
  expect(cache.get('a', v2)?.manifest.entries).toHaveLength(10)
  cache.keep('b', v1, exportOf(1))
  expect(cache.get('a', v2)).toBeUndefined()
})
