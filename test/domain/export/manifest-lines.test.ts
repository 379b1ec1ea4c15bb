import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { datasetName } from '../../../src/domain/dataset/dataset-name.ts'
import {
  awaitedBytesMax,
  type ExportManifest,
  manifestEntriesMax,
  writerVersion,
} from '../../../src/domain/export/manifest.ts'
import { expiryIn } from '../../../src/domain/export/manifest-line.ts'
import { decodeManifest, encodeManifest } from '../../../src/domain/export/manifest-lines.ts'
import { ExportManifestBroken } from '../../../src/domain/export/refusals.ts'
import { processId } from '../../../src/domain/process/process-state.ts'
import { parseObjectKey } from '../../../src/ports/object-key.ts'
import { entryOf, utf8 } from './sample-archive.ts'

const sha256 = '0123456789abcdef'.repeat(4)

const manifest: ExportManifest = {
  id: '0123456789abcdefghijklmnop',
  name: 'Katzen 猫',
  createdAt: '2026-01-02T03:04:05.678Z',
  expiresAt: '2026-01-09T03:04:05.678Z',
  writerVersion,
  entries: [
    entryOf({ name: 'cats/日本.png', sizeBytes: 2 ** 40, crc32: 0xffff_ffff, sha256 }),
    entryOf({ name: 'cats/b.txt', sizeBytes: 5, crc32: null }),
    entryOf({ name: 'cats/c.txt', sizeBytes: awaitedBytesMax, crc32: 'awaited' }),
    entryOf({ name: 'folder/', sizeBytes: 0, crc32: 0 }),
  ],
  missing: [parseObjectKey('files/none')],
  empty: [
    { dataset: datasetName('猫') },
    { process: processId('p1'), kinds: ['samples', 'lora'] },
    { prefix: 'files/no' },
  ],
  leftOut: 3,
}

const bytesOf = (given: ExportManifest) => Buffer.concat([...encodeManifest(given)])
const linesOf = (given: ExportManifest) => bytesOf(given).toString().split('\n').slice(0, -1)

/** In chunks of this many bytes, which cut characters and lines anywhere. */
async function* chunks(bytes: Uint8Array, size: number) {
  for (let at = 0; at < bytes.byteLength; at += size) yield bytes.subarray(at, at + size)
}
const decoded = (bytes: Uint8Array, size = bytes.byteLength) => decodeManifest(chunks(bytes, size))

const fromLines = (lines: readonly unknown[]) => utf8(lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
const head = JSON.parse(linesOf(manifest)[0] ?? '') as Record<string, unknown>
const entry = JSON.parse(linesOf(manifest)[1] ?? '') as unknown[]

const withHead = (members: Record<string, unknown>) => fromLines([{ ...head, entries: 1, ...members }, entry])
const withField = (index: number, value: unknown) => fromLines([{ ...head, entries: 1 }, entry.with(index, value)])

describe('a manifest as lines', () => {
  it('comes back as it was, however it is cut on its way', async () => {
    const bytes = bytesOf(manifest)
    for (const size of [1, 2, 3, 100, bytes.byteLength]) expect(await decoded(bytes, size)).toEqual(manifest)
    const none = { ...manifest, entries: [], missing: [], empty: [] }
    expect(await decoded(bytesOf(none))).toEqual(none)
  })

  it('comes back whatever its entries are called', async () => {
    const segment = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
      .map((text) => `_${text.replace(/\W/gu, '猫')}_`.normalize('NFC'))
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(segment),
        fc.nat(0xffff_ffff),
        fc.integer({ min: 1, max: 50 }),
        async (names, crc32, size) => {
          const entries = names.map((name) =>
            entryOf({ name, key: parseObjectKey(`files/${name}`), sizeBytes: 1, crc32 }),
          )
          expect(await decoded(bytesOf({ ...manifest, entries }), size)).toEqual({ ...manifest, entries })
        },
      ),
      { numRuns: 50 },
    )
  })

  it('is given out in pieces, of which none is large', async () => {
    const entries = Array.from({ length: 10_000 }, (_, index) => entryOf({ name: `${index}.png` }))
    const pieces = [...encodeManifest({ ...manifest, entries })]
    expect(pieces.length).toBeGreaterThan(5)
    expect(Math.max(...pieces.map(({ byteLength }) => byteLength))).toBeLessThan(70_000)
    expect((await decodeManifest(chunks(Buffer.concat(pieces), 1000))).entries).toEqual(entries)
  })

  it('holds the members of the types and nothing else', () => {
    const more = { ...manifest, token: 'secret', entries: manifest.entries.map((one) => ({ ...one, folder: 'x' })) }
    expect(bytesOf(more)).toEqual(bytesOf(manifest))
  })

  it('says at its beginning when it expires', () => {
    const beginning = bytesOf(manifest).subarray(0, 64).toString()
    expect(expiryIn(beginning)).toBe(Date.parse(manifest.expiresAt))
    for (const other of ['', '{', '{"expiresAt":"soon"', '{"id":"x"}']) expect(expiryIn(other)).toBeUndefined()
  })

  it.each([
    ['nothing', utf8('')],
    ['no JSON', utf8('{\n')],
    ['bytes that are no UTF-8', Uint8Array.of(0x22, 0xff, 0x22, 0x0a)],
    ['a character that is cut off', Uint8Array.of(...bytesOf(manifest), 0xe7)],
    ['null', fromLines([null])],
    ['an array for its head', fromLines([[]])],
    ['a member too many', withHead({ more: 1 })],
    ['a member too few', fromLines([{ ...head, entries: 1, name: undefined }, entry])],
    ['an unknown writer version', withHead({ writerVersion: writerVersion + 1 })],
    ['a writer version that is a text', withHead({ writerVersion: `${writerVersion}` })],
    ['an empty id', withHead({ id: '' })],
    ['another date', withHead({ createdAt: '2026-01-02' })],
    ['a date that does not exist', withHead({ expiresAt: '2026-02-30T00:00:00.000Z' })],
    ['entries that are no number', withHead({ entries: [entry] })],
    ['an entry too few', withHead({ entries: 2 })],
    ['an entry too many', withHead({ entries: 0 })],
    ['more entries than any manifest may have', withHead({ entries: manifestEntriesMax + 1 })],
    ['a missing key that is none', withHead({ missing: ['../x'] })],
    ['missing keys that are no list', withHead({ missing: {} })],
    ['a selection of two things', withHead({ empty: [{ dataset: 'a', prefix: 'b' }] })],
    ['a selection of nothing', withHead({ empty: [null] })],
    ['less than no files left out', withHead({ leftOut: -1 })],
    ['a dataset that has no name', withHead({ empty: [{ dataset: '../x' }] })],
    ['a kind that there is not', withHead({ empty: [{ process: 'p1', kinds: ['state'] }] })],
    ['a process that has no name', withHead({ empty: [{ process: '-', kinds: ['lora'] }] })],
    ['an end that is missing', bytesOf(manifest).subarray(0, -1)],
    ['a last line that is cut off', bytesOf(manifest).subarray(0, -20)],
    ['a line that is empty', utf8(`${linesOf(manifest).join('\n')}\n\n`)],
    ['a line without an end', utf8('x'.repeat(2 ** 21 + 1))],
    ['an entry that is null', fromLines([{ ...head, entries: 1 }, null])],
    ['an entry that is an object', fromLines([{ ...head, entries: 1 }, { name: 'x' }])],
    ['two entries of one name', fromLines([{ ...head, entries: 2 }, entry, entry])],
    ['a field of an entry too many', fromLines([{ ...head, entries: 1 }, [...entry, 1]])],
    ['a field of an entry too few', fromLines([{ ...head, entries: 1 }, entry.slice(0, 5)])],
    ['a size that is negative', withField(2, -1)],
    ['a size with a fraction', withField(2, 1.5)],
    ['a size that is a text', withField(2, '1')],
    ['a size beyond exact numbers', withField(2, 2 ** 53)],
    ['a CRC of 33 bits', withField(4, 2 ** 32)],
    ['a CRC in hex', withField(4, '00000000')],
    ['an empty ETag', withField(3, '')],
    ['a time that is none', withField(5, 'now')],
    ['a SHA-256 that is none', withField(6, 'x'.repeat(64))],
    ['a key that is none', withField(1, '../x')],
    ['a name that climbs', withField(0, '../x')],
    ['an absolute name', withField(0, '/x')],
    ['a name with a drive', withField(0, 'C:/x')],
    ['a folder with bytes', withField(0, 'x/')],
    ['a name that is too long', withField(0, 'x'.repeat(256))],
    ['a path that is too long', withField(0, `${'x/'.repeat(40_000)}x`)],
  ])('is refused with %s', async (_, bytes) => {
    await expect(decoded(bytes)).rejects.toThrow(ExportManifestBroken)
    await expect(decoded(bytes, 7)).rejects.toThrow(ExportManifestBroken)
  })
})
