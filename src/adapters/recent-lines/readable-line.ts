/** What a line of the log says, beside its fields. */
export interface WrittenEvent {
  readonly at: string
  readonly level: string
  readonly event: string
  readonly requestId?: unknown
  readonly [field: string]: unknown
}

const longestLine = 2000
// What JSON escaped because it ends lines or turns them around stays escaped.
const misleading = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu

/** `2026-03-01T12:00:00.000Z WARN store-retry operation=put attempt=2`, on one line. */
export function readableLine({ at, level, event, ...fields }: WrittenEvent): string {
  const said = Object.entries(fields).map(([name, value]) => `${name}=${shown(value)}`)
  const line = [at, level.toUpperCase(), event, ...said].join(' ')
  const escaped = line.replace(misleading, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`)
  return escaped.length > longestLine ? `${escaped.slice(0, longestLine)}…` : escaped
}

function shown(value: unknown): string {
  return typeof value === 'string' && /^[^\s"]+$/.test(value) ? value : JSON.stringify(value)
}
