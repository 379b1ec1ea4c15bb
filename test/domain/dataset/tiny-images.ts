import { crc32, deflateSync } from 'node:zlib'
import type { ImageFormat } from '../../../src/domain/dataset/file-kind.ts'

/** Smallest complete files of each format and variant, built byte by byte: their last byte is needed. */
export interface TinyImage {
  readonly format: ImageFormat
  readonly bytes: Uint8Array
}

type Size = { readonly width: number; readonly height: number }

const bytes = (...parts: (number | string | Uint8Array)[]): Uint8Array =>
  Buffer.concat(
    parts.map((part) =>
      typeof part === 'number' ? Buffer.of(part) : typeof part === 'string' ? Buffer.from(part, 'latin1') : part,
    ),
  )

const number = (length: number, value: number, littleEndian: boolean): Uint8Array => {
  const view = new DataView(new ArrayBuffer(8))
  view.setBigInt64(0, BigInt(value), littleEndian)
  return new Uint8Array(view.buffer, littleEndian ? 0 : 8 - length, length)
}
const be = (length: number, value: number) => number(length, value, false)
const le = (length: number, value: number) => number(length, value, true)

const segment = (code: number, ...body: (number | string | Uint8Array)[]) => {
  const content = bytes(...body)
  return bytes(0xff, code, be(2, content.length + 2), content)
}

export function jpeg({ width, height }: Size, frameCode = 0xc0): Uint8Array {
  const preview = bytes(0xff, 0xd8, 0xff, 0xd9)
  const scanHeader = segment(0xda, 1, 1, 0, 0, 63, 0)
  return bytes(
    0xff,
    0xd8,
    segment(0xe0, 'JFIF\0', 1, 1, 0, be(2, 1), be(2, 1), 0, 0),
    segment(0xe1, 'Exif\0\0', preview),
    segment(0xdb, 0, new Uint8Array(64).fill(1)),
    segment(frameCode, 8, be(2, height), be(2, width), 1, 1, 0x11, 0),
    segment(0xc4, 0, new Uint8Array(16), 0),
    scanHeader,
    bytes(0x12, 0xff, 0x00, 0x34, 0xff, 0xd0, 0x56),
    segment(0xc4, 0x10, new Uint8Array(16)),
    scanHeader,
    bytes(0x78, 0xff, 0x00, 0xff, 0xd9),
  )
}

export function png({ width, height }: Size): Uint8Array {
  const chunk = (type: string, data: Uint8Array) => {
    const typed = bytes(type, data)
    return bytes(be(4, data.length), typed, be(4, crc32(typed)))
  }
  return bytes(
    '\x89PNG\r\n\x1a\n',
    chunk('IHDR', bytes(be(4, width), be(4, height), 1, 0, 0, 0, 0)),
    chunk('tEXt', bytes('Comment\0IEND')),
    chunk('IDAT', deflateSync(new Uint8Array(8))),
    chunk('IEND', bytes()),
  )
}

export function gif({ width, height }: Size): Uint8Array {
  const colours = new Uint8Array(6)
  const frame = bytes(0x2c, le(2, 0), le(2, 0), le(2, width), le(2, height), 0x80, colours, 2, 3, ';;;', 2, 0, ';', 0)
  const comment = bytes(0x21, 0xfe, 5, 'hi;;;', 0)
  return bytes('GIF89a', le(2, width), le(2, height), 0x80, 0, 0, colours, comment, frame, 0, frame, 0x3b)
}

const riff = (...chunks: Uint8Array[]) => {
  const body = bytes('WEBP', ...chunks)
  return bytes('RIFF', le(4, body.length), body)
}
const webpChunk = (type: string, ...body: (number | string | Uint8Array)[]) => {
  const data = bytes(...body)
  return bytes(type, le(4, data.length), data, new Uint8Array(data.length % 2))
}
const lossyFrame = ({ width, height }: Size) =>
  webpChunk('VP8 ', 0x10, 0, 0, 0x9d, 0x01, 0x2a, le(2, width), le(2, height), 'data!')

export const webpLossy = (size: Size): Uint8Array => riff(lossyFrame(size))

export function webpLossless({ width, height }: Size): Uint8Array {
  return riff(webpChunk('VP8L', 0x2f, le(4, (width - 1) | ((height - 1) << 14)), 'data'))
}

export function webpExtended(size: Size): Uint8Array {
  const canvas = webpChunk('VP8X', 0, 0, 0, 0, le(3, size.width - 1), le(3, size.height - 1))
  return riff(canvas, webpChunk('ICCP', 'odd'), lossyFrame(size), webpChunk('EXIF', 'x'))
}

export function bmp({ width, height }: Size, { topDown = false, depth = 24 } = {}): Uint8Array {
  const pixels = new Uint8Array(4 * Math.ceil((width * depth) / 32) * height).fill(7)
  const info = bytes(
    le(4, 40),
    le(4, width),
    le(4, topDown ? -height : height),
    le(2, 1),
    le(2, depth),
    le(4, 0),
    le(4, 0),
    new Uint8Array(16),
  )
  return bytes('BM', le(4, 54 + pixels.length), le(4, 0), le(4, 54), info, pixels)
}

export function bmpCore({ width, height }: Size): Uint8Array {
  const pixels = new Uint8Array(4 * Math.ceil((width * 24) / 32) * height).fill(7)
  const core = bytes(le(4, 12), le(2, width), le(2, height), le(2, 1), le(2, 24))
  return bytes('BM', le(4, 26 + pixels.length), le(4, 0), le(4, 26), core, pixels)
}

/** Run-length encoded: its end is known only from the headers. */
export function bmpPacked({ width, height }: Size, { declareImage = true } = {}): Uint8Array {
  const packed = bytes(2, 1, 0, 1)
  const image = declareImage ? packed.length : 0
  const info = bytes(le(4, 40), le(4, width), le(4, height), le(2, 1), le(2, 8), le(4, 1), le(4, image))
  return bytes('BM', le(4, 54 + packed.length), le(4, 0), le(4, 54), info, new Uint8Array(16), packed)
}

/** One of each variant, all of the same size. */
export function tinyImages(size: Size): Readonly<Record<string, TinyImage>> {
  return {
    'jpeg baseline': { format: 'jpeg', bytes: jpeg(size) },
    'jpeg progressive': { format: 'jpeg', bytes: jpeg(size, 0xc2) },
    png: { format: 'png', bytes: png(size) },
    gif: { format: 'gif', bytes: gif(size) },
    'webp lossy': { format: 'webp', bytes: webpLossy(size) },
    'webp lossless': { format: 'webp', bytes: webpLossless(size) },
    'webp extended': { format: 'webp', bytes: webpExtended(size) },
    'bmp bottom-up': { format: 'bmp', bytes: bmp(size) },
    'bmp top-down': { format: 'bmp', bytes: bmp(size, { topDown: true }) },
    'bmp 4 bit': { format: 'bmp', bytes: bmp(size, { depth: 4 }) },
    'bmp core': { format: 'bmp', bytes: bmpCore(size) },
    'bmp packed': { format: 'bmp', bytes: bmpPacked(size) },
    'bmp packed, size of the file only': { format: 'bmp', bytes: bmpPacked(size, { declareImage: false }) },
  }
}
