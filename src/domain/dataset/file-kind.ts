export const imageFormats = ['jpeg', 'png', 'webp', 'bmp', 'gif'] as const
export type ImageFormat = (typeof imageFormats)[number]
export type ConfigFormat = 'yaml' | 'json'
export type FileKind = 'image' | 'caption' | 'config'

/** As they are shown to users. */
export const imageFormatNames: Readonly<Record<ImageFormat, string>> = {
  jpeg: 'JPEG',
  png: 'PNG',
  webp: 'WebP',
  bmp: 'BMP',
  gif: 'GIF',
}

/** What a training file claims to be by its name. The content type is ours; what a client says is never believed. */
export type FileType =
  | { readonly kind: 'image'; readonly format: ImageFormat; readonly contentType: string }
  | { readonly kind: 'caption'; readonly contentType: string }
  | { readonly kind: 'config'; readonly format: ConfigFormat; readonly contentType: string }

const jpeg: FileType = { kind: 'image', format: 'jpeg', contentType: 'image/jpeg' }
// RFC 9512 registers application/yaml.
const yaml: FileType = { kind: 'config', format: 'yaml', contentType: 'application/yaml' }

const fileTypes: ReadonlyMap<string, FileType> = new Map<string, FileType>([
  ['.jpg', jpeg],
  ['.jpeg', jpeg],
  ['.png', { kind: 'image', format: 'png', contentType: 'image/png' }],
  ['.webp', { kind: 'image', format: 'webp', contentType: 'image/webp' }],
  ['.bmp', { kind: 'image', format: 'bmp', contentType: 'image/bmp' }],
  ['.gif', { kind: 'image', format: 'gif', contentType: 'image/gif' }],
  ['.txt', { kind: 'caption', contentType: 'text/plain; charset=utf-8' }],
  ['.yaml', yaml],
  ['.yml', yaml],
  ['.json', { kind: 'config', format: 'json', contentType: 'application/json' }],
])

/** The extensions that are accepted, as they are shown to users. */
export const acceptedExtensions: readonly string[] = [...fileTypes.keys()]

/** The last dot and what follows, in lower case; empty without a dot. */
export function extensionOf(name: string): string {
  const dot = name.lastIndexOf('.')
  return dot === -1 ? '' : name.slice(dot).toLowerCase()
}

/** What the extension stands for, in any case, or `undefined` when files of that name are not accepted. */
export function fileType(name: string): FileType | undefined {
  return fileTypes.get(extensionOf(name))
}

export function fileKind(name: string): FileKind | undefined {
  return fileType(name)?.kind
}
