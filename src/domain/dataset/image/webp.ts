import { type Dimensions, type Found, unreadable, type Walk } from './walk.ts'

const chunkHeaderBytes = 8
const formTypeBytes = 4
const imageData = new Set(['VP8 ', 'VP8L', 'ANMF'])

/**
 * WebP (RFC 9649): a RIFF file whose first chunk is `VP8 ` (lossy), `VP8L` (lossless) or `VP8X` (extended). It ends where
 * the RIFF header says.
 */
export function* walkWebp(found: Found): Walk {
  const riff = yield { take: 12 }
  let remaining = riff.getUint32(4, true) - formTypeBytes
  let first = true
  let pixels = false
  while (remaining >= chunkHeaderBytes) {
    const header = yield { take: chunkHeaderBytes }
    const type = chunkType(header)
    const length = header.getUint32(4, true)
    remaining -= chunkHeaderBytes
    if (length > remaining)
      throw unreadable('WebP', `the chunk ${JSON.stringify(type)} reaches beyond the end of the file`)
    pixels ||= imageData.has(type)
    let looked = 0
    if (first) {
      first = false
      looked = type === 'VP8L' ? 5 : 10
      if (length < looked) throw unreadable('WebP', 'its first chunk is too short')
      found(sizeIn(type, yield { take: looked }))
    }
    // Chunks are padded to even lengths; some encoders leave the last pad out.
    const padded = Math.min(length + (length % 2), remaining)
    yield { skip: padded - looked }
    remaining -= padded
  }
  if (first || !pixels) throw unreadable('WebP', 'it ends before any image data')
  yield { skip: remaining }
}

function sizeIn(type: string, head: DataView): Dimensions {
  switch (type) {
    case 'VP8 ': {
      const keyFrame = (head.getUint8(0) & 1) === 0
      const startCode = head.getUint8(3) === 0x9d && head.getUint8(4) === 0x01 && head.getUint8(5) === 0x2a
      const width = head.getUint16(6, true) & 0x3fff
      const height = head.getUint16(8, true) & 0x3fff
      if (!keyFrame || !startCode) throw unreadable('WebP', 'the lossy frame header is malformed')
      if (width === 0 || height === 0) throw unreadable('WebP', `its size is ${width} × ${height} px`)
      return { width, height }
    }
    case 'VP8L': {
      if (head.getUint8(0) !== 0x2f) throw unreadable('WebP', 'the lossless header is malformed')
      const bits = head.getUint32(1, true)
      return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 }
    }
    case 'VP8X':
      return { width: uint24(head, 4) + 1, height: uint24(head, 7) + 1 }
    default:
      throw unreadable('WebP', `the first chunk is ${JSON.stringify(type)}`)
  }
}

function uint24(view: DataView, offset: number): number {
  return view.getUint16(offset, true) + view.getUint8(offset + 2) * 0x10000
}

function chunkType(header: DataView): string {
  return String.fromCharCode(header.getUint8(0), header.getUint8(1), header.getUint8(2), header.getUint8(3))
}
