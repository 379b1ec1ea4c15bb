import { describe, expect, it } from 'vitest'
import { type ExportManifest, writerVersion } from '../../../src/domain/export/manifest.ts'
import { decodeManifest, encodeManifest } from '../../../src/domain/export/manifest-json.ts'
import { ExportManifestBroken } from '../../../src/domain/export/refusals.ts'
import { entryOf, utf8 } from './sample-archive.ts'

const manifest: ExportManifest = {
  id: '0123456789abcdefghijklmnop',
  name: 'Katzen 猫',
  createdAt: '2026-01-02T03:04:05.678Z',
  expiresAt: '2026-01-09T03:04:05.678Z',
  writerVersion,
  entries: [
    entryOf({ name: 'cats/日本.png', sizeBytes: 2 ** 40, crc32: 0xffff_ffff }),
    entryOf({ name: 'cats/b.txt', sizeBytes: 5, crc32: null }),
    entryOf({ name: 'folder/', sizeBytes: 0, crc32: 0 }),
  ],
}

const broken = (change: (document: Record<string, unknown>) => unknown) => {
  const document = JSON.parse(new TextDecoder().decode(encodeManifest(manifest)))
  return utf8(JSON.stringify(change(document)))
}
const brokenEntry = (members: Record<string, unknown>) =>
  broken((document) => ({ ...document, entries: [{ ...manifest.entries[0], ...members }] }))

describe('a manifest as JSON', () => {
  it('comes back as it was', () => {
    expect(decodeManifest(encodeManifest(manifest))).toEqual(manifest)
    expect(decodeManifest(encodeManifest({ ...manifest, entries: [] })).entries).toEqual([])
  })

  it('holds the members of the types and nothing else', () => {
    const more = { ...manifest, token: 'secret', entries: manifest.entries.map((entry) => ({ ...entry, folder: 'x' })) }
    expect(encodeManifest(more)).toEqual(encodeManifest(manifest))
  })

  it.each([
    ['no JSON', utf8('{')],
    ['bytes that are no UTF-8', Uint8Array.of(0x22, 0xff, 0x22)],
    ['null', utf8('null')],
    ['an array', utf8('[]')],
    ['a member too many', broken((document) => ({ ...document, more: 1 }))],
    ['a member too few', broken(({ name: _, ...document }) => document)],
    ['an unknown writer version', broken((document) => ({ ...document, writerVersion: writerVersion + 1 }))],
    ['a writer version that is a text', broken((document) => ({ ...document, writerVersion: `${writerVersion}` }))],
    ['an empty id', broken((document) => ({ ...document, id: '' }))],
    ['another date', broken((document) => ({ ...document, createdAt: '2026-01-02' }))],
    ['a date that does not exist', broken((document) => ({ ...document, expiresAt: '2026-02-30T00:00:00.000Z' }))],
    ['entries that are none', broken((document) => ({ ...document, entries: {} }))],
    ['an entry that is null', broken((document) => ({ ...document, entries: [null] }))],
    [
      'two entries of one name',
      broken((document) => ({ ...document, entries: [manifest.entries[0], manifest.entries[0]] })),
    ],
    ['a member of an entry too many', brokenEntry({ more: 1 })],
    ['a size that is negative', brokenEntry({ sizeBytes: -1 })],
    ['a size with a fraction', brokenEntry({ sizeBytes: 1.5 })],
    ['a size that is a text', brokenEntry({ sizeBytes: '1' })],
    ['a size beyond exact numbers', brokenEntry({ sizeBytes: 2 ** 53 })],
    ['a CRC of 33 bits', brokenEntry({ crc32: 2 ** 32 })],
    ['a CRC in hex', brokenEntry({ crc32: '00000000' })],
    ['an empty ETag', brokenEntry({ etag: '' })],
    ['a time that is none', brokenEntry({ modifiedAt: 'now' })],
    ['a key that is none', brokenEntry({ key: '../x' })],
    ['a name that climbs', brokenEntry({ name: '../x' })],
    ['an absolute name', brokenEntry({ name: '/x' })],
    ['a name with a drive', brokenEntry({ name: 'C:/x' })],
    ['a folder with bytes', brokenEntry({ name: 'x/' })],
    ['a name that is too long', brokenEntry({ name: 'x'.repeat(256) })],
    ['a path that is too long', brokenEntry({ name: `${'x/'.repeat(40_000)}x` })],
  ])('is refused with %s', (_, bytes) => {
    expect(() => decodeManifest(bytes)).toThrow(ExportManifestBroken)
  })
})
