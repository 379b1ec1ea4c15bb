import type { Brand } from './brand.ts'
import { InvalidKey } from './errors.ts'

/**
 * The name of an object inside the store, without the store's own prefix. Holds for every `ObjectKey`:
 *
 * - 1 to 900 bytes of UTF-8 in segments of 1 to 255 bytes joined by single `/` (Linux: 255 a name; R2: 1,024 a key, less
 *   the prefix);
 * - Unicode normalisation form C, so that twins written on macOS and Linux are one key;
 * - no segment is `.` or `..`, ends in a dot or a space, or begins with `-`, `~` or a space;
 * - no backslash, control, bidirectional, zero-width or otherwise invisible formatting character, no lone surrogate;
 * - no segment is a Windows device name (`CON`, `nul.txt`, …) or RunPod's own `.s3compat_uploads`.
 *
 * A key is therefore the same name as an S3 key, as a path below a folder, and inside a zip.
 */
export type ObjectKey = Brand<string, 'ObjectKey'>

export const maxKeyBytes = 900
export const maxSegmentBytes = 255

// Cc: controls. Cf: formatting (bidi, zero-width, soft hyphen, tags). Zl, Zp: line and paragraph separators. Cs: lone surrogates.
const forbidden = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\\]/u
const windowsDevice = /^(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?:\.|$)/i
const encoder = new TextEncoder()

/** Why `segment` may not be a part of a key, or `undefined` when it may. Expects normalisation form C. */
export function segmentFault(segment: string): string | undefined {
  if (segment === '') return 'is empty'
  if (segment === '.' || segment === '..') return 'is a dot segment'
  if (forbidden.test(segment)) return 'contains a backslash or a control, invisible or bidirectional character'
  if (segment.includes('/')) return 'contains a slash'
  if (/[. ]$/.test(segment)) return 'ends in a dot or a space'
  if (/^[-~ ]/.test(segment)) return 'begins with -, ~ or a space'
  if (windowsDevice.test(segment)) return 'is a device name on Windows'
  if (segment.toLowerCase() === '.s3compat_uploads') return 'is reserved by the store'
  if (encoder.encode(segment).byteLength > maxSegmentBytes) return `is longer than ${maxSegmentBytes} bytes`
  return undefined
}

/** The one door for keys. Normalises to form C and refuses everything else that is wrong, by throwing `InvalidKey`. */
export function parseObjectKey(given: string): ObjectKey {
  const key = given.normalize('NFC')
  if (encoder.encode(key).byteLength > maxKeyBytes) throw new InvalidKey(`the key is longer than ${maxKeyBytes} bytes`)
  for (const segment of key.split('/')) {
    const fault = segmentFault(segment)
    if (fault !== undefined) throw new InvalidKey(`a part of the key ${fault}`)
  }
  return key as ObjectKey
}

/** For names that others wrote into the store: the key, or `undefined` when the name cannot be one. Never throws. */
export function objectKeyOrUndefined(found: string): ObjectKey | undefined {
  try {
    const key = parseObjectKey(found)
    return key === found ? key : undefined
  } catch {
    return undefined
  }
}

/** Whether a listing leaves out somebody's file: its name cannot be a key, and is no mark of a directory nor the store's own. */
export function isLeftOut(found: string): boolean {
  if (found === '' || found.endsWith('/') || /(?:^|\/)\.s3compat_uploads(?:\/|$)/i.test(found)) return false
  return objectKeyOrUndefined(found) === undefined
}

/** Order of keys in every listing: by UTF-8 bytes, as S3 does. UTF-16 order differs beyond the basic plane. */
export function compareKeys(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x === y) continue
    // Surrogates (beyond the basic plane) sort after U+E000–U+FFFF in UTF-8 and before them in UTF-16.
    const xHigh = x >= 0xd800 && x <= 0xdfff
    const yHigh = y >= 0xd800 && y <= 0xdfff
    return xHigh === yHigh ? x - y : xHigh ? 1 : -1
  }
  return a.length - b.length
}
