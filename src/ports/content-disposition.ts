import type { Disposition } from './link-signer.ts'

/**
 * A Content-Disposition value (RFC 6266) with the name twice: in ASCII for old clients, and exactly, as RFC 8187 has it.
 * No character of the name can end the value or the header.
 */
export function contentDisposition(disposition: Disposition, filename: string): string {
  const ascii = filename
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/[^\x20-\x7e]/g, '_')
    .replace(/["\\%]/g, '_')
  const exact = encodeURIComponent(filename.toWellFormed()).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
  return `${disposition}; filename="${ascii}"; filename*=UTF-8''${exact}`
}
