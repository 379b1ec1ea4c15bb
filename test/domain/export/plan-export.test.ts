import { describe, expect, it } from 'vitest'
import { decodeManifest, encodeManifest } from '../../../src/domain/export/manifest-lines.ts'
import { planExport, type SelectedObject } from '../../../src/domain/export/plan-export.ts'
import { ExportEmpty, ExportTooLarge } from '../../../src/domain/export/refusals.ts'
import { layoutZip } from '../../../src/domain/export/zip-layout.ts'
import { parseObjectKey } from '../../../src/ports/object-key.ts'
import type { ETag } from '../../../src/ports/object-store.ts'

const limits = { maxEntries: 10, maxBytes: 10_000 }
const about = {
  id: 'x1',
  name: 'cats',
  createdAt: new Date(1_000),
  expiresAt: new Date(2_000),
  missing: [],
  empty: [],
  leftOut: 0,
}
const plan = (selected: readonly SelectedObject[], other: Partial<typeof limits> = {}) =>
  planExport(selected, { ...limits, ...other }, about)

async function* arriving(pieces: Iterable<Uint8Array>) {
  yield* pieces
}

function selectedObject(path: string, facts: Partial<SelectedObject> = {}): SelectedObject {
  const slash = path.lastIndexOf('/')
  return {
    folder: path.slice(0, slash),
    file: path.slice(slash + 1),
    key: parseObjectKey(`dataset/${path}`),
    sizeBytes: 3,
    etag: 'v1' as ETag,
    lastModified: new Date(1_700_000_000_123),
    checksums: { crc32: '0000abcd' },
    ...facts,
  }
}

describe('an export plan', () => {
  it('keeps the order of the selection and freezes what the archive is made of', () => {
    const { manifest, layout } = plan(
      [
        selectedObject('cats/b.png'),
        selectedObject('cats/a.txt', { checksums: undefined }),
        selectedObject('cats/c.bin', { checksums: undefined, sizeBytes: 2 ** 20 + 1 }),
      ],
      { maxBytes: 2 ** 21 },
    )
    expect(manifest).toEqual({
      id: 'x1',
      name: 'cats',
      createdAt: '1970-01-01T00:00:01.000Z',
      expiresAt: '1970-01-01T00:00:02.000Z',
      writerVersion: 1,
      entries: [
        {
          name: 'cats/b.png',
          key: 'dataset/cats/b.png',
          sizeBytes: 3,
          etag: 'v1',
          crc32: 0xabcd,
          modifiedAt: '2023-11-14T22:13:20.123Z',
        },
        {
          name: 'cats/a.txt',
          key: 'dataset/cats/a.txt',
          sizeBytes: 3,
          etag: 'v1',
          crc32: 'awaited',
          modifiedAt: '2023-11-14T22:13:20.123Z',
        },
        {
          name: 'cats/c.bin',
          key: 'dataset/cats/c.bin',
          sizeBytes: 2 ** 20 + 1,
          etag: 'v1',
          crc32: null,
          modifiedAt: '2023-11-14T22:13:20.123Z',
        },
      ],
      missing: [],
      empty: [],
      leftOut: 0,
    })
    expect(layout.lengthBytes).toBe(layoutZip(manifest).lengthBytes)
  })

  it('comes back from the store as it was frozen', async () => {
    const sha256 = 'ab'.repeat(32)
    const { manifest } = plan([selectedObject('cats/b.png', { checksums: { crc32: '0000abcd', sha256 } })])
    expect(manifest.entries[0]).toMatchObject({ sha256 })
    expect(await decodeManifest(arriving(encodeManifest(manifest)))).toEqual(manifest)
  })

  it('knows the checksum of no bytes', () => {
    const [entry] = plan([selectedObject('a/x', { sizeBytes: 0, checksums: undefined })]).manifest.entries
    expect(entry?.crc32).toBe(0)
  })

  it('takes an object that was selected twice once, and gives twins names of their own', () => {
    const twin = selectedObject('cats/a.png', { key: parseObjectKey('files/a.png') })
    const { manifest } = plan([selectedObject('cats/a.png'), twin, selectedObject('cats/a.png', { folder: 'again' })])
    expect(manifest.entries.map(({ name, key }) => [name, key])).toEqual([
      ['cats/a.png', 'dataset/cats/a.png'],
      ['cats/a (2).png', 'files/a.png'],
    ])
  })

  it('refuses an empty selection', () => {
    expect(() => plan([])).toThrow(ExportEmpty)
  })

  it('refuses too many entries, and takes just as many as are allowed', () => {
    const many = [selectedObject('a/1'), selectedObject('a/2'), selectedObject('a/3')]
    expect(() => plan(many, { maxEntries: 2 })).toThrow(ExportTooLarge)
    expect(plan(many, { maxEntries: 3 }).manifest.entries).toHaveLength(3)
  })

  it('refuses an archive that is too long by a byte, its headers counted', () => {
    const one = [selectedObject('a/1')]
    const { lengthBytes } = plan(one).layout
    expect(plan(one, { maxBytes: lengthBytes }).layout.lengthBytes).toBe(lengthBytes)
    expect(() => plan(one, { maxBytes: lengthBytes - 1 })).toThrow(ExportTooLarge)
    const endless = Array.from({ length: 4 }, (_, i) => selectedObject(`a/${i}`, { sizeBytes: 2 ** 52 }))
    expect(() => plan(endless)).toThrow(ExportTooLarge)
  })
})
