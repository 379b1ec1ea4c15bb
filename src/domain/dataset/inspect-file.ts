import { acceptedExtensions, extensionOf, type FileKind, type FileType, fileType } from './file-kind.ts'
import type { Dimensions } from './image/walk.ts'
import { inspectImage, type SideLimits } from './inspect-image.ts'
import { inspectCaption, inspectConfig, type ParseConfig } from './inspect-text.ts'
import { FileRejected } from './rejection.ts'

/** All inclusive. */
export interface InspectionLimits extends SideLimits {
  readonly maxFileBytes: number
  /** Captions and configs; `maxFileBytes` holds for them as well. */
  readonly maxTextBytes: number
}

export const defaultInspectionLimits = {
  minImageSidePx: 512,
  maxImageSidePx: 4096,
  maxTextBytes: 2 ** 20,
} as const satisfies Partial<InspectionLimits>

export interface InspectedFile {
  readonly kind: FileKind
  /** By our own table. */
  readonly contentType: string
  /** Stored pixels of an image; absent for other kinds. */
  readonly width?: number
  readonly height?: number
}

/**
 * Judges one training file while its bytes go by. Throws `FileRejected` at the first byte that decides, and is then used
 * up. The verdict does not depend on how the bytes are split. Memory is constant, but for configs, which are kept until
 * their end.
 */
export interface Inspection {
  push(chunk: Uint8Array): void
  /** The file is complete. Throws `FileRejected` when something is missing. */
  end(): InspectedFile
}

/** Begins with the name alone: throws `FileRejected` with `unsupported-type` when its extension is not accepted. */
export function startInspection(
  name: string,
  { limits, parseConfig }: { limits: InspectionLimits; parseConfig: ParseConfig },
): Inspection {
  const type = fileType(name)
  if (type === undefined) throw new FileRejected('unsupported-type', unsupportedDetail(name))
  const { kind, contentType } = type
  const content = inspectContent(name, type, limits, parseConfig)
  const limitBytes = kind === 'image' ? limits.maxFileBytes : Math.min(limits.maxFileBytes, limits.maxTextBytes)
  let seenBytes = 0

  return {
    push(chunk) {
      // Up to the limit the bytes are judged by what they are, whichever way they are split.
      const allowed = chunk.subarray(0, limitBytes - seenBytes)
      seenBytes += chunk.length
      if (allowed.length > 0) content.push(allowed)
      if (seenBytes > limitBytes) {
        throw new FileRejected(
          'too-large',
          `more than ${limitBytes} bytes, the most that is allowed for this kind of file`,
        )
      }
    },
    end() {
      if (seenBytes === 0) throw new FileRejected('empty', 'the file has no bytes')
      const size = content.end()
      return size === undefined ? { kind, contentType } : { kind, contentType, ...size }
    },
  }
}

interface Content {
  push(chunk: Uint8Array): void
  end(): Dimensions | undefined
}

function inspectContent(name: string, type: FileType, limits: InspectionLimits, parseConfig: ParseConfig): Content {
  switch (type.kind) {
    case 'image':
      return inspectImage(name, type.format, limits)
    case 'caption':
      return inspectCaption()
    case 'config':
      return inspectConfig(type.format, parseConfig)
  }
}

function unsupportedDetail(name: string): string {
  const extension = extensionOf(name)
  const found = extension === '' ? 'files without an extension' : `${extension} files`
  return `${found} are not accepted; accepted are ${acceptedExtensions.join(' ')}`
}
