import { InvalidCursor } from '../../ports/errors.ts'
import type { ListForm } from './list-form.ts'

/** Where a listing goes on. */
export interface ListPosition {
  /** The server's own token for the page; `undefined` for the first. */
  readonly token?: string | undefined
  /** Only names behind this one are still to be shown from that page. */
  readonly after?: string | undefined
  /** A beginning that the page before has shown as its last, and that this page may come back to. */
  readonly shown?: string | undefined
  /** How the pages before were asked for: a token is good for its own kind of question only. */
  readonly form: ListForm
}

/** Opaque to callers and safe in URLs. */
export function encodeCursor({ token, after, shown, form }: ListPosition): string {
  const { encoded, delimited, slashed } = form
  const fields = [token ?? null, after ?? null, shown ?? null, encoded, delimited, slashed]
  const bytes = new TextEncoder().encode(JSON.stringify(fields))
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')
}

/** Throws `InvalidCursor`. */
export function decodeCursor(cursor: string): ListPosition {
  const [token, after, shown, encoded, delimited, slashed] = fieldsIn(cursor)
  return {
    token: text(token),
    after: text(after),
    shown: text(shown),
    form: { encoded: flag(encoded), delimited: flag(delimited), slashed: flag(slashed) },
  }
}

function fieldsIn(cursor: string): unknown[] {
  try {
    const binary = atob(cursor.replaceAll('-', '+').replaceAll('_', '/'))
    const json = new TextDecoder().decode(Uint8Array.from(binary, (character) => character.charCodeAt(0)))
    const fields: unknown = JSON.parse(json)
    if (Array.isArray(fields)) return fields
  } catch (cause) {
    throw notOurs(cause)
  }
  throw notOurs()
}

function text(field: unknown): string | undefined {
  if (field === null) return undefined
  if (typeof field !== 'string') throw notOurs()
  return field
}

function flag(field: unknown): boolean {
  if (typeof field !== 'boolean') throw notOurs()
  return field
}

const notOurs = (cause?: unknown) => new InvalidCursor('the cursor is not one of this listing', { cause })
