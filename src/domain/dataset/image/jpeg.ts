import { type Found, type Search, unreadable, type Walk } from './walk.ts'

const startOfImage = 0xd8
const endOfImage = 0xd9
const startOfScan = 0xda

/**
 * JPEG (ITU-T T.81 annex B): segments with a length, and entropy-coded data after each start of scan. Segments are passed
 * over by their length, because previews inside of them carry end markers of their own.
 */
export function* walkJpeg(found: Found): Walk {
  const marker = createMarkerSearch()
  let framed = false
  let scanned = false
  yield { skip: 2 }
  for (;;) {
    yield { search: marker.search }
    const code = marker.code
    if (code === startOfImage) throw unreadable('JPEG', 'a second start of image before the end of the first')
    if (code === endOfImage) {
      if (!scanned) throw unreadable('JPEG', 'it ends before any image data')
      return
    }
    const length = (yield { take: 2 }).getUint16(0)
    if (length < 2) throw unreadable('JPEG', 'a segment is shorter than its own length field')
    if (isStartOfFrame(code)) {
      if (framed) throw unreadable('JPEG', 'a second frame header')
      framed = true
      const frame = yield { take: 6 }
      const height = frame.getUint16(1)
      const width = frame.getUint16(3)
      const components = frame.getUint8(5)
      if (components === 0 || length !== 8 + 3 * components) throw unreadable('JPEG', 'the frame header is malformed')
      if (width === 0 || height === 0) throw unreadable('JPEG', `its size is ${width} × ${height} px`)
      found({ width, height })
      yield { skip: length - 8 }
      continue
    }
    if (code === startOfScan) {
      if (!framed) throw unreadable('JPEG', 'image data before the frame header')
      scanned = true
    }
    yield { skip: length - 2 }
  }
}

/** SOF0–SOF15 without the three codes between them that mean something else (DHT, JPG, DAC). */
function isStartOfFrame(code: number): boolean {
  return code >= 0xc0 && code <= 0xcf && code !== 0xc4 && code !== 0xc8 && code !== 0xcc
}

/**
 * Finds the next marker that is neither a stuffed byte (FF00) nor one without a segment in the middle of entropy-coded
 * data (RST0–RST7, TEM). Bytes before it are passed over: decoders put up with strays between segments, so do we.
 */
function createMarkerSearch(): { search: Search; code: number } {
  let afterPrefix = false
  const marker = {
    code: 0,
    search(chunk: Uint8Array, start: number): number {
      let at = start
      for (;;) {
        if (!afterPrefix) {
          at = chunk.indexOf(0xff, at) + 1
          if (at === 0) return -1
          afterPrefix = true
        }
        const code = chunk[at]
        if (code === undefined) return -1
        at += 1
        // Any number of FF may stand before a code, as fill.
        if (code === 0xff) continue
        afterPrefix = false
        if (code <= 0x01 || (code >= 0xd0 && code <= 0xd7)) continue
        marker.code = code
        return at
      }
    },
  }
  return marker
}
