/** The bytes from `from` up to, and without, `to`. */
export interface Span {
  readonly from: number
  readonly to: number
}

/** What both have in common; `undefined` when not one byte. */
export function intersection(a: Span, b: Span): Span | undefined {
  const from = Math.max(a.from, b.from)
  const to = Math.min(a.to, b.to)
  return from < to ? { from, to } : undefined
}
