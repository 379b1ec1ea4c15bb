import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'

export interface DatasetFile {
  readonly sizeBytes: number
  /** Where in the block its bytes begin, so that no two neighbours are alike. */
  readonly blockOffset: number
}

const namePattern = /^(\d+)x(\d+)\/(\d{6})\.bin$/

/** What is stored under such a name; `undefined` where nothing is. Nothing is kept: the name says it all. */
export function fileOf(name: string): DatasetFile | undefined {
  const [, files, fileBytes, index] = namePattern.exec(name) ?? []
  if (index === undefined || Number(index) >= Number(files)) return undefined
  return { sizeBytes: Number(fileBytes), blockOffset: (Number(index) * 4_099) % block.byteLength }
}

/** All files take their bytes from here, round and round, so that giving them out allocates nothing. */
const block = seededBlock(2 ** 20)

/** xorshift32: looks random to whoever compresses, and is the same every time. */
function seededBlock(bytes: number): Buffer {
  const words = new Uint32Array(bytes / 4)
  let state = 0x9e3779b9
  for (let i = 0; i < words.length; i++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    words[i] = state
  }
  return Buffer.from(words.buffer)
}

/** The bytes `[from, toExclusive)` of a file, in views of the block. */
export function* piecesOf({ blockOffset }: DatasetFile, from: number, toExclusive: number): Generator<Buffer> {
  for (let at = from; at < toExclusive; ) {
    const start = (blockOffset + at) % block.byteLength
    const end = Math.min(block.byteLength, start + toExclusive - at)
    yield block.subarray(start, end)
    at += end - start
  }
}

/** As the uploads of the service note them, in hex. Reads all bytes. */
export function checksumsOf(file: DatasetFile): { crc32: string; sha256: string } {
  const sha256 = createHash('sha256')
  let crc = 0
  for (const piece of piecesOf(file, 0, file.sizeBytes)) {
    sha256.update(piece)
    crc = crc32(piece, crc)
  }
  return { crc32: crc.toString(16).padStart(8, '0'), sha256: sha256.digest('hex') }
}
