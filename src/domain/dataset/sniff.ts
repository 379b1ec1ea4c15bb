import { type ImageFormat, imageFormats } from './file-kind.ts'

/** How many first bytes decide every format. */
export const sniffedBytes = 12

/** As characters of the same value as the bytes; `?` stands for any byte. */
const signatures: Readonly<Record<ImageFormat, string>> = {
  jpeg: '\xff\xd8\xff',
  png: '\x89PNG\r\n\x1a\n',
  webp: 'RIFF????WEBP',
  bmp: 'BM',
  gif: 'GIF8?a',
}

/** The format whose magic bytes `head` begins with. `head` is the first `sniffedBytes` of a file, or all of a shorter one. */
export function sniffImage(head: Uint8Array): ImageFormat | undefined {
  for (const format of imageFormats) if (beginsWith(head, signatures[format])) return format
  return undefined
}

function beginsWith(head: Uint8Array, signature: string): boolean {
  for (let i = 0; i < signature.length; i++) {
    if (signature[i] !== '?' && head[i] !== signature.charCodeAt(i)) return false
    if (i >= head.length) return false
  }
  return true
}
