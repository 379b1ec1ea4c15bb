import fc from 'fast-check'
import { imageSize } from 'image-size'
import { describe, expect, it } from 'vitest'
import type { ImageFormat } from '../../../src/domain/dataset/file-kind.ts'
import { anySide, inChunks, inspect, splitAt } from './inspect.ts'
import { bmp, bmpPacked, gif, jpeg, png, tinyImages, webpExtended, webpLossless, webpLossy } from './tiny-images.ts'

const images = Object.entries(tinyImages({ width: 5, height: 3 })).map(([variant, image]) => ({ variant, ...image }))
const name = (format: ImageFormat) => `a.${format}`
const patched = (bytes: Uint8Array, offset: number, ...values: number[]) => {
  const copy = Uint8Array.from(bytes)
  copy.set(values, offset)
  return copy
}
const offsetOf = (bytes: Uint8Array, text: string) => Buffer.from(bytes).indexOf(Buffer.from(text, 'latin1'))

describe.each(images)('$variant', ({ format, bytes }) => {
  it('has its stored dimensions at every chunk size, and with bytes behind its end', () => {
    for (let size = 1; size <= bytes.length; size++) {
      expect(inspect(name(format), inChunks(bytes, size), anySide)).toMatchObject({ width: 5, height: 3 })
    }
    const longer = Buffer.concat([bytes, Buffer.from('and more\xff\xd9')])
    expect(inspect(name(format), inChunks(longer, 3), anySide)).toMatchObject({ width: 5, height: 3 })
  })

  it('is refused wherever it is cut, alike for every chunk size', () => {
    for (let length = 0; length < bytes.length; length++) {
      const cut = bytes.subarray(0, length)
      const verdict = inspect(name(format), [cut], anySide)
      expect(verdict).toHaveProperty(
        'code',
        expect.toSatisfy((code) =>
          ['image-truncated', 'image-unreadable', 'type-mismatch', 'empty'].includes(String(code)),
        ),
      )
      expect(inspect(name(format), inChunks(cut, 1), anySide)).toEqual(verdict)
    }
    expect(inspect(name(format), [bytes.subarray(0, -1)], anySide)).toHaveProperty('code', 'image-truncated')
  })

  it('is not crashed by random bytes behind its first ones', () => {
    fc.assert(
      fc.property(
        fc.nat(bytes.length),
        fc.uint8Array({ maxLength: 300 }),
        fc.array(fc.nat(300), { maxLength: 5 }),
        (kept, noise, offsets) => {
          const broken = Buffer.concat([bytes.subarray(0, kept), noise])
          const verdict = inspect(name(format), [broken], anySide)
          const split = splitAt(
            broken,
            offsets.map((offset) => Math.min(offset, broken.length)),
          )
          expect(inspect(name(format), split, anySide)).toEqual(verdict)
        },
      ),
      { numRuns: 300 },
    )
  })
})

it('agrees with an independent reader of dimensions', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 60 }), (width, height) => {
      for (const { format, bytes } of Object.values(tinyImages({ width, height }))) {
        // That reader knows only the headers of 40 bytes and more.
        if (format === 'bmp' && bytes[14] === 12) continue
        const oracle = imageSize(bytes)
        expect(inspect(name(format), [bytes], anySide)).toMatchObject({ width: oracle.width, height: oracle.height })
      }
    }),
    { numRuns: 50 },
  )
})

it('reads the greatest dimensions that each format can store', () => {
  const greatest = [
    { bytes: jpeg({ width: 65_535, height: 1 }), format: 'jpeg', width: 65_535 },
    { bytes: png({ width: 2 ** 31 - 1, height: 1 }), format: 'png', width: 2 ** 31 - 1 },
    { bytes: gif({ width: 65_535, height: 1 }), format: 'gif', width: 65_535 },
    { bytes: webpLossy({ width: 16_383, height: 1 }), format: 'webp', width: 16_383 },
    { bytes: webpLossless({ width: 16_384, height: 16_384 }), format: 'webp', width: 16_384 },
    { bytes: webpExtended({ width: 2 ** 24, height: 1 }), format: 'webp', width: 2 ** 24 },
  ] as const
  for (const { bytes, format, width } of greatest) {
    expect(inspect(name(format), [bytes], { ...anySide, maxImageSidePx: 2 ** 31 })).toMatchObject({ width })
  }
})

it('passes over fill bytes and strays before a JPEG marker, as decoders do', () => {
  const bytes = Buffer.from(jpeg({ width: 5, height: 3 }))
  const frame = bytes.indexOf(Buffer.from('ffc0', 'hex'))
  for (const between of ['ffff', '0000', '12ff00ffd0']) {
    const padded = Buffer.concat([bytes.subarray(0, frame), Buffer.from(between, 'hex'), bytes.subarray(frame)])
    expect(inspect('a.jpg', inChunks(padded, 1), anySide)).toMatchObject({ width: 5, height: 3 })
  }
})

describe('sides', () => {
  const size = (width: number, height: number) => inspect('a.png', [png({ width, height })])

  it('are inclusive limits', () => {
    expect(size(512, 4096)).toMatchObject({ kind: 'image' })
    expect(size(4096, 512)).toMatchObject({ kind: 'image' })
    expect(size(511, 4096)).toMatchObject({ code: 'image-too-small', detail: expect.stringContaining('511 × 4096 px') })
    expect(size(512, 4097)).toMatchObject({ code: 'image-too-large', detail: expect.stringContaining('4096 px') })
  })

  it('are judged as soon as they are known', () => {
    const start = png({ width: 100, height: 100 }).subarray(0, 24)
    expect(inspect('a.png', [start])).toMatchObject({ code: 'image-too-small' })
  })
})

describe('names and bytes', () => {
  const tiny = png({ width: 5, height: 3 })

  it('must agree', () => {
    for (const other of ['a.jpg', 'a.jpeg', 'a.webp', 'a.bmp', 'a.gif']) {
      expect(inspect(other, [tiny], anySide)).toMatchObject({
        code: 'type-mismatch',
        detail: expect.stringContaining('those of a PNG'),
      })
    }
    expect(inspect('a.jpg', [Buffer.from('x')], anySide)).toMatchObject({ code: 'type-mismatch' })
  })

  it('agree for .jpg and .jpeg alike, in any case', () => {
    for (const either of ['a.jpg', 'a.jpeg', 'a.JPG', 'A.Jpeg']) {
      expect(inspect(either, [jpeg({ width: 5, height: 3 })], anySide)).toMatchObject({ contentType: 'image/jpeg' })
    }
  })
})

describe('broken structure', () => {
  const size = { width: 5, height: 3 }
  const broken: [string, ImageFormat, Uint8Array][] = [
    ['a JPEG of no height', 'jpeg', jpeg({ width: 5, height: 0 })],
    ['a JPEG without image data', 'jpeg', Buffer.from('ffd8ffc0000b080003000501011100ffd9', 'hex')],
    ['a JPEG segment of length 1', 'jpeg', Buffer.from('ffd8ffe00001', 'hex')],
    ['a JPEG scan before its frame', 'jpeg', Buffer.from('ffd8ffda000801010000003f0000ffd9', 'hex')],
    ['a second JPEG inside of the first', 'jpeg', Buffer.from('ffd8ffd8ffd9', 'hex')],
    ['a PNG that begins without IHDR', 'png', patched(png(size), 12, 0x69)],
    ['a PNG of no width', 'png', png({ width: 0, height: 3 })],
    ['a PNG chunk of an impossible type', 'png', patched(png(size), 37, 0)],
    ['a PNG without image data', 'png', patched(png(size), offsetOf(png(size), 'IDAT'), 0x69)],
    ['a GIF of no size', 'gif', gif({ width: 0, height: 0 })],
    ['a GIF without images', 'gif', Buffer.concat([gif(size).subarray(0, 19), Buffer.from(';')])],
    ['an unknown GIF block', 'gif', patched(gif(size), 19, 0x99)],
    ['a WebP of an unknown kind', 'webp', patched(webpLossy(size), 15, 0x39)],
    ['a WebP chunk beyond the end', 'webp', patched(webpLossy(size), 16, 0xff)],
    ['a WebP whose file ends before its first chunk', 'webp', patched(webpLossy(size), 4, 2)],
    ['a lossy WebP without its start code', 'webp', patched(webpLossy(size), 23, 0)],
    ['a lossless WebP without its signature', 'webp', patched(webpLossless(size), 20, 0)],
    [
      'an extended WebP without an image',
      'webp',
      patched(webpExtended(size), offsetOf(webpExtended(size), 'VP8 '), 0x58),
    ],
    ['a BMP whose pixels begin in its header', 'bmp', patched(bmp(size), 10, 20)],
    ['a BMP header of an unknown length', 'bmp', patched(patched(bmp(size), 14, 41), 10, 60)],
    ['a BMP of 7 bits', 'bmp', patched(bmp(size), 28, 7)],
    ['a BMP of no height', 'bmp', bmp({ width: 5, height: 0 })],
    ['a BMP of negative width', 'bmp', patched(bmpPacked(size), 18, 0xff, 0xff, 0xff, 0xff)],
  ]
  it.each(broken)('%s is unreadable', (_, format, bytes) => {
    expect(inspect(name(format), [bytes], anySide)).toMatchObject({ code: 'image-unreadable' })
    expect(inspect(name(format), inChunks(bytes, 1), anySide)).toMatchObject({ code: 'image-unreadable' })
  })
})
