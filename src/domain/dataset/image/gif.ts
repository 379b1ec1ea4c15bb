import { type Found, type Search, unreadable, type Walk } from './walk.ts'

const extension = 0x21
const image = 0x2c
const trailer = 0x3b

/** GIF 87a and 89a: a logical screen, then extensions and images, all in sub-blocks, up to the trailer. */
export function* walkGif(found: Found): Walk {
  yield { skip: 6 }
  const screen = yield { take: 7 }
  const width = screen.getUint16(0, true)
  const height = screen.getUint16(2, true)
  if (width === 0 || height === 0) throw unreadable('GIF', `its size is ${width} × ${height} px`)
  found({ width, height })
  yield { skip: colourTableBytes(screen.getUint8(4)) }
  let pixels = false
  for (;;) {
    const introducer = (yield { take: 1 }).getUint8(0)
    switch (introducer) {
      case extension:
        yield { skip: 1 }
        yield { search: createTerminatorSearch() }
        break
      case image: {
        pixels = true
        const descriptor = yield { take: 9 }
        const codeSizeBytes = 1
        yield { skip: colourTableBytes(descriptor.getUint8(8)) + codeSizeBytes }
        yield { search: createTerminatorSearch() }
        break
      }
      case trailer:
        if (!pixels) throw unreadable('GIF', 'it ends before any image data')
        return
      case 0:
        // A terminator too many, which some encoders write and every decoder passes over.
        break
      default:
        throw unreadable('GIF', `a block begins with the unknown byte ${introducer}`)
    }
  }
}

/** The packed field says whether a table of colours follows, and how many there are: 2 to 256 of 3 bytes. */
function colourTableBytes(packed: number): number {
  return (packed & 0x80) === 0 ? 0 : 3 * 2 ** ((packed & 0x07) + 1)
}

/** Passes over sub-blocks, each led by its length, up to and including the empty one that ends them. */
function createTerminatorSearch(): Search {
  let remainingBytes = 0
  return (chunk, start) => {
    let at = start + remainingBytes
    for (let length = chunk[at]; length !== undefined; length = chunk[at]) {
      at += 1
      if (length === 0) return at
      at += length
    }
    remainingBytes = at - chunk.length
    return -1
  }
}
