import type { FrozenExport } from '../../domain/export/frozen-export.ts'
import type { ManifestEntry } from '../../domain/export/manifest.ts'
import type { TellChecksums } from '../../domain/export/tell-checksums.ts'
import { fileNameOf } from './export-entries.ts'

/** What the listing of an export says beside what the export is. */
export interface ListingLinks {
  /** Of the zip. */
  readonly url: string
  /** What the URL of every file begins with, without a slash at the end. */
  readonly entriesUrl: string
  /** Who sends the bytes of the files in the end. */
  readonly via: 'store' | 'api'
}

export const listingFormats = ['json', 'aria2', 'urls'] as const
export type ListingFormat = (typeof listingFormats)[number]

type Pieces = AsyncGenerator<string, void, undefined>

/** Files in one piece of a listing, so that one of 70,000 is never whole in memory. */
const entriesPerPiece = 250

/** The listing in pieces of some 100 KB. */
export const listings: Readonly<
  Record<ListingFormat, (frozen: FrozenExport, links: ListingLinks, tell: TellChecksums) => Pieces>
> = {
  async *json({ manifest, layout, etag }, { url, entriesUrl, via }, tell) {
    const { id, name, expiresAt, entries, missing, empty, leftOut } = manifest
    const about = { id, name, url, files: entries.length, bytes: layout.lengthBytes, etag, expiresAt }
    const absent = {
      ...(missing.length === 0 ? {} : { missing }),
      ...(empty.length === 0 ? {} : { empty }),
      ...(leftOut === 0 ? {} : { leftOut }),
    }
    yield `${JSON.stringify({ ...about, ...absent }).slice(0, -1)},"entries":[`
    for (const { start, piece } of pieces(entries)) {
      const checksums = await tell(piece)
      const members = piece.map((entry, place) =>
        JSON.stringify({
          name: entry.name,
          key: entry.key,
          size: entry.sizeBytes,
          crc32: checksums[place]?.crc32 ?? null,
          sha256: checksums[place]?.sha256 ?? null,
          url: entryUrl(entriesUrl, start + place, entry),
          via,
        }),
      )
      yield (start === 0 ? '' : ',') + members.join(',')
    }
    yield ']}'
  },

  /** For `aria2c -i`. */
  async *aria2({ manifest }, { entriesUrl }, tell) {
    for (const { start, piece } of pieces(manifest.entries)) {
      const checksums = await tell(piece)
      const members = piece.map((entry, place) => {
        const { sha256 } = checksums[place] ?? {}
        // It knows SHA-256 and not CRC-32.
        const checksum = sha256 === undefined ? '' : `  checksum=sha-256=${sha256}\n`
        return `${entryUrl(entriesUrl, start + place, entry)}\n  out=${entry.name}\n${checksum}`
      })
      yield members.join('')
    }
  },

  /** For `wget -i`, and for everything else that takes one URL from each line. */
  async *urls({ manifest }, { entriesUrl }) {
    for (const { start, piece } of pieces(manifest.entries)) {
      yield piece.map((entry, place) => `${entryUrl(entriesUrl, start + place, entry)}\n`).join('')
    }
  },
}

function entryUrl(entriesUrl: string, index: number, entry: ManifestEntry): string {
  return `${entriesUrl}/${index}/${encodeURIComponent(fileNameOf(entry))}`
}

function* pieces(entries: readonly ManifestEntry[]) {
  for (let start = 0; start < entries.length; start += entriesPerPiece) {
    yield { start, piece: entries.slice(start, start + entriesPerPiece) }
  }
}

const encoder = new TextEncoder()

/** As a body: each piece is made when it is asked for. */
export function listingBody(pieces: Pieces): ReadableStream<Uint8Array> {
  return new ReadableStream(
    {
      async pull(controller) {
        const { done, value } = await pieces.next()
        if (done) controller.close()
        else controller.enqueue(encoder.encode(value))
      },
      async cancel() {
        await pieces.return()
      },
    },
    { highWaterMark: 0 },
  )
}
