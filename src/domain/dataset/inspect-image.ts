import { extensionOf, type ImageFormat, imageFormatNames } from './file-kind.ts'
import { walkBmp } from './image/bmp.ts'
import { walkGif } from './image/gif.ts'
import { walkJpeg } from './image/jpeg.ts'
import { walkPng } from './image/png.ts'
import { createWalker, type Dimensions, type Found, type Walk, type Walker } from './image/walk.ts'
import { walkWebp } from './image/webp.ts'
import { FileRejected } from './rejection.ts'
import { sniffedBytes, sniffImage } from './sniff.ts'

const formats: Readonly<Record<ImageFormat, { walk: (found: Found) => Walk; end: string }>> = {
  jpeg: { walk: walkJpeg, end: 'its end-of-image marker' },
  png: { walk: walkPng, end: 'its IEND chunk' },
  webp: { walk: walkWebp, end: 'the end that its RIFF header declares' },
  bmp: { walk: walkBmp, end: 'the end of its pixels' },
  gif: { walk: walkGif, end: 'its trailer' },
}

export interface SideLimits {
  /** Least and greatest width and height, both inclusive. */
  readonly minImageSidePx: number
  readonly maxImageSidePx: number
}

export interface ImageInspection {
  push(chunk: Uint8Array): void
  end(): Dimensions
}

/** Follows an image that is named `name` and should therefore be a `format`. Throws as soon as the bytes say otherwise. */
export function inspectImage(name: string, format: ImageFormat, limits: SideLimits): ImageInspection {
  const head = new Uint8Array(sniffedBytes)
  let seenBytes = 0
  let size: Dimensions | undefined
  let walker: Walker | undefined

  const startWalking = () => {
    const known = head.subarray(0, Math.min(seenBytes, sniffedBytes))
    const actual = sniffImage(known)
    if (actual !== format) throw new FileRejected('type-mismatch', mismatchDetail(name, actual))
    const started = createWalker(
      formats[format].walk((found) => {
        checkSides(found, limits)
        size = found
      }),
    )
    started.push(known)
    walker = started
    return started
  }

  return {
    push(chunk) {
      const headBytes = Math.min(chunk.length, Math.max(0, sniffedBytes - seenBytes))
      head.set(chunk.subarray(0, headBytes), seenBytes < sniffedBytes ? seenBytes : 0)
      seenBytes += chunk.length
      // Decided only when all of the bytes that could matter are there, so that the verdict names what was found.
      if (seenBytes < sniffedBytes) return
      const current = walker ?? startWalking()
      current.push(chunk.subarray(headBytes))
    },
    end() {
      const { ended } = walker ?? startWalking()
      if (size === undefined) {
        throw new FileRejected(
          'image-unreadable',
          `not a readable ${imageFormatNames[format]}: it ends after ${seenBytes} bytes, before its dimensions`,
        )
      }
      if (ended) return size
      throw new FileRejected(
        'image-truncated',
        `cut off: it ends after ${seenBytes} bytes, before ${formats[format].end}`,
      )
    },
  }
}

function mismatchDetail(name: string, actual: ImageFormat | undefined): string {
  const found =
    actual === undefined
      ? `none of ${Object.values(imageFormatNames).join(', ')}`
      : `those of a ${imageFormatNames[actual]}`
  return `named ${extensionOf(name)}, but its first bytes are ${found}`
}

function checkSides({ width, height }: Dimensions, { minImageSidePx, maxImageSidePx }: SideLimits): void {
  if (Math.min(width, height) < minImageSidePx) {
    throw new FileRejected(
      'image-too-small',
      `${width} × ${height} px; each side must have at least ${minImageSidePx} px`,
    )
  }
  if (Math.max(width, height) > maxImageSidePx) {
    throw new FileRejected(
      'image-too-large',
      `${width} × ${height} px; each side may have at most ${maxImageSidePx} px`,
    )
  }
}
