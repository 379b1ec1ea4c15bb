import { type Found, unreadable, type Walk } from './walk.ts'

const fileHeaderBytes = 14
const coreHeaderBytes = 12
/** BITMAPINFOHEADER, its V2 and V3, OS/2 2.x, V4 and V5: all begin with the same 24 bytes. */
const infoHeaderBytes = [40, 52, 56, 64, 108, 124]
/** BI_RGB, BI_BITFIELDS and BI_ALPHABITFIELDS: pixels as they are, so that their size follows from the dimensions. */
const uncompressed = [0, 3, 6]
const bitsPerPixel = [1, 2, 4, 8, 16, 24, 32]

/** BMP: two headers and the pixels. It has no end mark, so the end is that of its pixels, or what the file header says. */
export function* walkBmp(found: Found): Walk {
  const file = yield { take: fileHeaderBytes }
  const declaredBytes = file.getUint32(2, true)
  const pixelOffset = file.getUint32(10, true)
  const headerBytes = (yield { take: 4 }).getUint32(0, true)
  if (pixelOffset < fileHeaderBytes + headerBytes) throw unreadable('BMP', 'its pixels begin inside of its headers')

  const { width, height, depth, compression, imageBytes, seenBytes } = yield* walkBitmapHeader(headerBytes)
  if (width <= 0 || height === 0) throw unreadable('BMP', `its size is ${width} × ${height} px`)
  if (uncompressed.includes(compression) && !bitsPerPixel.includes(depth)) {
    throw unreadable('BMP', `${depth} bits per pixel are not possible`)
  }
  // A negative height means rows from top to bottom.
  const rows = Math.abs(height)
  found({ width, height: rows })

  const rowBytes = 4 * Math.ceil((width * depth) / 32)
  const pixelBytes = uncompressed.includes(compression) ? rowBytes * rows : imageBytes
  const endsAt = pixelBytes > 0 ? pixelOffset + pixelBytes : Math.max(pixelOffset, declaredBytes)
  yield { skip: endsAt - fileHeaderBytes - seenBytes }
}

interface BitmapHeader {
  readonly width: number
  readonly height: number
  readonly depth: number
  readonly compression: number
  /** As declared; 0 when it is not. */
  readonly imageBytes: number
  readonly seenBytes: number
}

function* walkBitmapHeader(headerBytes: number): Generator<{ take: number }, BitmapHeader, DataView> {
  if (headerBytes === coreHeaderBytes) {
    const core = yield { take: 8 }
    return {
      width: core.getUint16(0, true),
      height: core.getUint16(2, true),
      depth: core.getUint16(6, true),
      compression: 0,
      imageBytes: 0,
      seenBytes: 12,
    }
  }
  if (!infoHeaderBytes.includes(headerBytes)) throw unreadable('BMP', `no header has ${headerBytes} bytes`)
  const info = yield { take: 20 }
  return {
    width: info.getInt32(0, true),
    height: info.getInt32(4, true),
    depth: info.getUint16(10, true),
    compression: info.getUint32(12, true),
    imageBytes: info.getUint32(16, true),
    seenBytes: 24,
  }
}
