import { maxSegmentBytes } from '../../ports/object-key.ts'

// As in `object-key.ts`, and what Windows refuses in a file name: a colon would be a drive or a hidden stream there.
const forbidden = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\\/:*?"<>|]/gu
const windowsDevice = /^(?:con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³]) *(?:\.|$)/i
// Nearly all names: nothing to normalise in them, and nothing forbidden. Five times faster than finding that out.
const plain = /^[\w ()+,.@-]*$/
const ascii = /^[ -~]*$/
const encoder = new TextEncoder()

/** How many bytes `text` has as UTF-8. Counted, because encoding it for that costs ten times as much. */
export function utf8Bytes(text: string): number {
  let bytes = text.length
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit <= 0x7f) continue
    // Two units beyond the basic plane make four bytes; a lone surrogate is written as U+FFFD, which has three.
    if (isHigh(unit) && isLow(text.charCodeAt(i + 1))) {
      bytes += 2
      i++
    } else bytes += unit <= 0x7ff ? 1 : 2
  }
  return bytes
}

/**
 * `segment` as every system can store it: form C, no forbidden character (each becomes `_`), no dot or space at the end,
 * no device name of Windows. Not shortened. Empty when nothing is left, so for `.` and `..` too. Idempotent.
 */
export function cleanSegment(segment: string): string {
  const allowed = plain.test(segment) ? segment : segment.normalize('NFC').replace(forbidden, '_')
  const clean = withoutTrailingDots(allowed)
  return windowsDevice.test(clean) ? `_${clean}` : clean
}

/** The longest beginning of a clean segment that has at most `maxBytes` bytes of UTF-8 and is clean. May be empty. */
export function shortened(segment: string, maxBytes: number): string {
  if (fits(segment, maxBytes)) return segment
  const { read } = encoder.encodeInto(segment, new Uint8Array(Math.max(0, maxBytes)))
  // Cleaned again, because the cut may leave a space at the end, or nothing but a device name.
  return cleanSegment(segment.slice(0, read))
}

/** A file name as stem and extension, the dot with the latter. A leading dot and a very long ending make no extension. */
export function splitExtension(file: string): { stem: string; extension: string } {
  const dot = file.lastIndexOf('.')
  const extension = dot <= 0 ? '' : file.slice(dot)
  if (!fits(extension, maxExtensionBytes)) return { stem: file, extension: '' }
  return { stem: file.slice(0, file.length - extension.length), extension }
}

/** May `name` stand in an archive: relative, made of clean segments of at most 255 bytes; only a folder's ends in `/`. */
export function isSafeEntryName(name: string): boolean {
  const path = name.endsWith('/') ? name.slice(0, -1) : name
  return path.split('/').every((segment) => {
    return segment !== '' && segment === cleanSegment(segment) && fits(segment, maxSegmentBytes)
  })
}

/** One value for all names that some file system takes for the same: any letter case, any canonical normalisation. */
export function folded(name: string): string {
  if (ascii.test(name)) return name.toUpperCase()
  // Lower first: only so do ẞ and ß, and the two lower-case sigmas, meet.
  return name.normalize('NFD').toLowerCase().toUpperCase().normalize('NFC')
}

const maxExtensionBytes = 32

const isHigh = (unit: number) => unit >= 0xd800 && unit <= 0xdbff
const isLow = (unit: number) => unit >= 0xdc00 && unit <= 0xdfff

function fits(text: string, maxBytes: number): boolean {
  // UTF-8 needs at most three bytes for each UTF-16 unit.
  return text.length * 3 <= maxBytes || utf8Bytes(text) <= maxBytes
}

function withoutTrailingDots(text: string): string {
  let end = text.length
  while (end > 0 && (text[end - 1] === '.' || text[end - 1] === ' ')) end--
  return text.slice(0, end)
}
