import { InvalidCursor } from '../../ports/errors.ts'

/** Where a listing goes on. */
export interface ListPosition {
  /** The server's own token for the page; `undefined` for the first. */
  readonly token?: string | undefined
  /** Only names behind this one are still to be shown from that page. */
  readonly after?: string | undefined
}

/** Opaque to callers and safe in URLs. */
export function encodeCursor({ token, after }: ListPosition): string {
  const bytes = new TextEncoder().encode(JSON.stringify([token ?? null, after ?? null]))
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')
}

export function decodeCursor(cursor: string | undefined): ListPosition {
  if (cursor === undefined) return {}
  try {
    const binary = atob(cursor.replaceAll('-', '+').replaceAll('_', '/'))
    const text = new TextDecoder().decode(Uint8Array.from(binary, (character) => character.charCodeAt(0)))
    const [token, after] = JSON.parse(text) as (string | null)[]
    return { token: token ?? undefined, after: after ?? undefined }
  } catch (cause) {
    throw new InvalidCursor('the cursor is not one of this listing', { cause })
  }
}
