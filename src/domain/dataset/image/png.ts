import { type Found, unreadable, type Walk } from './walk.ts'

const maxUint31 = 0x7fffffff
const checksumBytes = 4

/** PNG (ISO/IEC 15948): a signature, then chunks of length, type, data and checksum, from IHDR to IEND. */
export function* walkPng(found: Found): Walk {
  yield { skip: 8 }
  let first = true
  let pixels = false
  for (;;) {
    const header = yield { take: 8 }
    const length = header.getUint32(0)
    const type = chunkType(header)
    if (first !== (type === 'IHDR')) throw unreadable('PNG', first ? 'IHDR is not first' : 'a second IHDR')
    if (!/^[A-Za-z]{4}$/.test(type) || length > maxUint31) throw unreadable('PNG', 'a chunk header is malformed')
    if (first) {
      if (length !== 13) throw unreadable('PNG', `IHDR has ${length} bytes instead of 13`)
      first = false
      const size = yield { take: 8 }
      const width = size.getUint32(0)
      const height = size.getUint32(4)
      if (width === 0 || height === 0 || width > maxUint31 || height > maxUint31) {
        throw unreadable('PNG', `its size is ${width} × ${height} px`)
      }
      found({ width, height })
      yield { skip: length - 8 + checksumBytes }
      continue
    }
    if (type === 'IDAT') pixels = true
    if (type === 'IEND' && !pixels) throw unreadable('PNG', 'it ends before any image data')
    yield { skip: length + checksumBytes }
    if (type === 'IEND') return
  }
}

function chunkType(header: DataView): string {
  return String.fromCharCode(header.getUint8(4), header.getUint8(5), header.getUint8(6), header.getUint8(7))
}
