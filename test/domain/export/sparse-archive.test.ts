import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { layoutZip, offsetAt, type ZipLayout } from '../../../src/domain/export/zip-layout.ts'
import { recordBytes, segments } from '../../../src/domain/export/zip-segments.ts'
import { installed, run } from './programs.ts'
import { entryOf, utf8 } from './sample-archive.ts'

const GiB = 2 ** 30
const last = utf8('behind it all')

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sparse-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** Large files of holes, which take no room on a disk, and a small real one behind them. */
function holes(sizes: readonly number[], crcKnown: boolean): ZipLayout {
  const large = sizes.map((sizeBytes, index) =>
    entryOf({ name: `${index}.bin`, sizeBytes, crc32: crcKnown ? 1 : null }),
  )
  const small = entryOf({ name: 'last.txt', sizeBytes: last.byteLength, crc32: crcKnown ? crc32(last) : null })
  return layoutZip({ entries: [...large, small] })
}

async function writeSparsely(path: string, layout: ZipLayout): Promise<void> {
  const file = await open(path, 'w')
  let at = 0
  for (const segment of segments(layout, 0, layout.lengthBytes)) {
    const small = segment.kind !== 'bytes' && segment.entryIndex === layout.entries.length - 1
    if (segment.kind === 'bytes') await file.write(segment.bytes, 0, segment.bytes.byteLength, at)
    else if (segment.kind !== 'object')
      await file.write(recordBytes(layout, segment, small ? crc32(last) : 1), 0, segment.lengthBytes, at)
    else if (small) await file.write(last, 0, last.byteLength, at)
    at += segment.kind === 'bytes' ? segment.bytes.byteLength : segment.lengthBytes
  }
  await file.close()
  expect(at).toBe(layout.lengthBytes)
}

const script = `
import json, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as z:
    infos = [[i.filename, i.file_size, i.compress_size, i.header_offset] for i in z.infolist()]
    print(json.dumps({'infos': infos, 'last': z.read('last.txt').decode(), 'first': z.open(z.infolist()[0]).read(3).hex()}))
`

describe.each([
  ['4.5 GiB', [4.5 * GiB]],
  ['just 4 GiB - 1', [2 ** 32 - 1]],
  ['just 4 GiB - 2', [2 ** 32 - 2]],
  ['twice 2.5 GiB', [2.5 * GiB, 2.5 * GiB]],
  ['so much that the last header lies at 4 GiB - 1', [2 ** 32 - 1 - 44]],
])('an archive with %s and a small file behind', (title, sizes) => {
  describe.each([true, false])('checksums known: %s', (crcKnown) => {
    const layout = holes(sizes, crcKnown)
    let path: string
    beforeAll(async () => {
      path = join(folder, `${title} ${crcKnown}.zip`)
      await writeSparsely(path, layout)
    })

    it('shows Python the sizes and offsets of the layout, and the bytes of the last file', async (ctx) => {
      const python = installed(ctx, 'python3')
      const read = JSON.parse((await run(python, ['-c', script, path])).toString())
      const expected = layout.entries.map(({ name, sizeBytes }, index) => {
        return [name, sizeBytes, sizeBytes, offsetAt(layout.localOffsets, index)]
      })
      expect(read).toEqual({ infos: expected, last: 'behind it all', first: '000000' })
    })

    it('lets unzip, 7-Zip and bsdtar take out the last file', async (ctx) => {
      const unzip = installed(ctx, 'unzip')
      const sevenZip = installed(ctx, '7zz', '7z')
      const bsdtar = installed(ctx, 'bsdtar')
      expect((await run(unzip, ['-p', path, 'last.txt'])).toString()).toBe('behind it all')
      expect((await run(sevenZip, ['x', '-so', path, 'last.txt'])).toString()).toBe('behind it all')
      const listed = (await run(sevenZip, ['l', '-slt', path])).toString()
      expect(listed).toContain(`Physical Size = ${layout.lengthBytes}`)
      expect(listed).not.toMatch(/warning|error/i)
      expect((await run(bsdtar, ['-tf', path])).toString().trim().split('\n')).toEqual(
        layout.entries.map(({ name }) => name),
      )
    })
  })
})
