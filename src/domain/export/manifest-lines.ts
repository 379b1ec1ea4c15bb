import type { ExportManifest, ManifestEntry } from './manifest.ts'
import { decodeEntry, decodeHead, encodeEntry, encodeHead } from './manifest-line.ts'
import { ExportManifestBroken } from './refusals.ts'

const encoder = new TextEncoder()
const pieceChars = 64 * 1024
/** A head may name a thousand things of 900 bytes that were not there. */
const lineCharsMax = 2 * 2 ** 20

/**
 * One line of JSON about the export and one for each entry, about 150 bytes, in pieces of some 64 KiB. Equal manifests give
 * equal bytes; members that are not of the types are left out.
 */
export function* encodeManifest(manifest: ExportManifest): Generator<Uint8Array, void, undefined> {
  let lines = `${encodeHead(manifest)}\n`
  for (const entry of manifest.entries) {
    lines += `${encodeEntry(entry)}\n`
    if (lines.length < pieceChars) continue
    yield encoder.encode(lines)
    lines = ''
  }
  if (lines !== '') yield encoder.encode(lines)
}

/**
 * Reads the manifest as it arrives and holds one line beside what it has read. About 10 µs an entry. Throws
 * `ExportManifestBroken` for everything that `encodeManifest` does not write, other writer versions included.
 */
export async function decodeManifest(chunks: AsyncIterable<Uint8Array>): Promise<ExportManifest> {
  let head: ReturnType<typeof decodeHead> | undefined
  const entries: ManifestEntry[] = []
  for await (const line of linesOf(chunks)) {
    if (head === undefined) head = decodeHead(line)
    else if (entries.push(decodeEntry(line)) > head.entries) break
  }
  if (head === undefined || entries.length !== head.entries) {
    throw new ExportManifestBroken('the manifest does not have just the entries that it announces')
  }
  if (new Set(entries.map(({ name }) => name)).size !== entries.length) {
    throw new ExportManifestBroken('the manifest has two entries of one name')
  }
  return { ...head, entries }
}

/** Each without its end; the last line has one, too, so that what was cut off is seen. */
async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  let rest = ''
  for await (const chunk of chunks) {
    const text = utf8(decoder, chunk)
    let start = 0
    // Looked for in what is new alone: a long line comes in many chunks.
    for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', start)) {
      yield rest + text.slice(start, end)
      rest = ''
      start = end + 1
    }
    rest += text.slice(start)
    if (rest.length > lineCharsMax) throw new ExportManifestBroken('a line of the manifest is too long')
  }
  if (rest + utf8(decoder) !== '') throw new ExportManifestBroken('the manifest is cut off')
}

function utf8(decoder: TextDecoder, chunk?: Uint8Array): string {
  try {
    return chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true })
  } catch (cause) {
    throw new ExportManifestBroken('the manifest is not UTF-8', { cause })
  }
}
