import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { createMemoryObjectStore } from '../../../src/adapters/memory/object-store.ts'
import type { ManifestEntry } from '../../../src/domain/export/manifest.ts'
import { layoutZip, type ZipLayout } from '../../../src/domain/export/zip-layout.ts'
import { recordBytes, segments } from '../../../src/domain/export/zip-segments.ts'
import { parseObjectKey } from '../../../src/ports/object-key.ts'
import type { ETag, ObjectStore } from '../../../src/ports/object-store.ts'

export const utf8 = (text: string) => new TextEncoder().encode(text)
export const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
export const quiet = new AbortController().signal
export const modifiedAt = '2024-02-29T12:34:57.999Z'

/** A file of a sample: its bytes as text or as they are, and whether the manifest knows their CRC-32 or awaits it. */
export interface SampleFile {
  readonly name: string
  readonly body: string | Uint8Array
  readonly crcKnown?: boolean | 'awaited'
}

export interface Sample {
  readonly layout: ZipLayout
  readonly bodies: readonly Uint8Array[]
  readonly crcs: readonly number[]
}

/** An entry of which only the numbers matter. */
export function entryOf(facts: Partial<ManifestEntry> & { name: string }): ManifestEntry {
  const key = parseObjectKey('files/x')
  return { key, sizeBytes: 0, etag: 'e' as ETag, crc32: 0, modifiedAt, ...facts }
}

export function sampleOf(files: readonly SampleFile[]): Sample {
  const bodies = files.map(({ body }) => (typeof body === 'string' ? utf8(body) : body))
  const crcs = bodies.map((body) => crc32(body))
  const entries = files.map(({ name, crcKnown = true }, index) =>
    entryOf({
      name,
      key: sampleKey(index),
      sizeBytes: bodies[index]?.byteLength ?? 0,
      crc32: crcKnown === 'awaited' ? crcKnown : crcKnown ? (crcs[index] ?? 0) : null,
    }),
  )
  return { layout: layoutZip({ entries }), bodies, crcs }
}

export const sampleKey = (index: number) => parseObjectKey(`files/${index}`)

/** The objects of the sample in a store, and the layout with their ETags. */
export async function storeSample({ layout, bodies }: Sample): Promise<{ store: ObjectStore; layout: ZipLayout }> {
  const store = createMemoryObjectStore({ nowMs: () => 0 })
  const entries: ManifestEntry[] = []
  for (const [index, entry] of layout.entries.entries()) {
    const put = await store.put(entry.key, bodies[index] ?? new Uint8Array(), {
      contentType: 'application/octet-stream',
      when: 'always',
      signal: quiet,
    })
    if (put.outcome !== 'applied') throw new Error(put.outcome)
    entries.push({ ...entry, etag: put.etag })
  }
  return { store, layout: { ...layout, entries } }
}

/** The bytes of a range, put together from its segments without any store. */
export function assemble({ layout, bodies, crcs }: Sample, from = 0, toExclusive = layout.lengthBytes): Uint8Array {
  const bytes = new Uint8Array(toExclusive - from)
  let at = 0
  for (const segment of segments(layout, from, toExclusive)) {
    const piece =
      segment.kind === 'bytes'
        ? segment.bytes
        : segment.kind === 'object'
          ? (bodies[segment.entryIndex] ?? new Uint8Array()).subarray(
              segment.offset,
              segment.offset + segment.lengthBytes,
            )
          : recordBytes(layout, segment, crcs[segment.entryIndex] ?? 0)
    bytes.set(piece, at)
    at += piece.byteLength
  }
  if (at !== bytes.byteLength) throw new Error(`${at} bytes in place of ${bytes.byteLength}`)
  return bytes
}

/** Known, unknown and awaited checksums, empty files of both kinds, non-ASCII names, a folder. */
export const mixedFiles: readonly SampleFile[] = [
  { name: 'a.txt', body: 'hello' },
  { name: '日本.txt', body: 'unknown', crcKnown: false },
  { name: 'empty', body: '' },
  { name: 'd/e', body: '', crcKnown: false },
  { name: 'd/last', body: 'the last one', crcKnown: false },
  { name: 'waits', body: 'for its bytes', crcKnown: 'awaited' },
]
