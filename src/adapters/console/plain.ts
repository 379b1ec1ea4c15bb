const longestText = 4096
const mostItems = 100
const deepest = 6

// Names whose values are secrets wherever they appear; matched inside camelCase and header names alike.
const secretName =
  /authorization|cookie|token|secret|password|passphrase|signature|credential|(?:access|api|private).?key/i
const urlName = /(?:^|[a-z_-])(?:url|uri|href|location)$/i
const queryOfUrl = /(\b[a-z][a-z0-9+.-]*:\/\/[^\s?#"'<>]*)\?[^\s"'<>]*/gi

export const redacted = '[redacted]'

/**
 * `value` as something that `JSON.stringify` cannot stumble over, without secrets: values of fields named like one, and
 * the query of every URL. Cut at 6 levels, 100 items and 4,096 characters. Errors become name, code, message and cause.
 * Never throws.
 */
export function plain(value: unknown, options: { stacks: boolean }): unknown {
  return visit(value, '', options.stacks, [])
}

function visit(value: unknown, name: string, stacks: boolean, above: readonly object[]): unknown {
  if (typeof value === 'number' || typeof value === 'boolean' || value === null || value === undefined) {
    return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value
  }
  if (secretName.test(name)) return redacted
  if (typeof value === 'string') return text(value, name)
  if (typeof value !== 'object') return text(String(value), name)
  if (above.includes(value)) return '[circular]'
  if (above.length === deepest) return '[deep]'
  try {
    return visitObject(value, name, stacks, [...above, value])
  } catch {
    // A getter, a proxy or a toString of somebody else.
    return '[unreadable]'
  }
}

function visitObject(value: object, name: string, stacks: boolean, above: readonly object[]): unknown {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString()
  if (value instanceof URL) return text(value.href, 'url')
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`
  if (Array.isArray(value)) {
    const items = value.slice(0, mostItems).map((item) => visit(item, name, stacks, above))
    return value.length > mostItems ? [...items, `[${value.length - mostItems} more]`] : items
  }
  if (value instanceof Map || value instanceof Set) return visitObject([...value], name, stacks, above)
  const shown = value instanceof Error ? errorFields(value, stacks) : Object.entries(value)
  return Object.fromEntries(shown.slice(0, mostItems).map(([key, each]) => [key, visit(each, key, stacks, above)]))
}

function errorFields(error: Error, stacks: boolean): [string, unknown][] {
  const fields: [string, unknown][] = [
    ['name', error.name],
    ['code', (error as { code?: unknown }).code],
    ['message', error.message],
    ['cause', error.cause],
    ['errors', error instanceof AggregateError ? error.errors : undefined],
    ['stack', stacks ? error.stack : undefined],
  ]
  return fields.filter(([, value]) => value !== undefined)
}

function text(value: string, name: string): string {
  const cut = value.length > longestText ? `${value.slice(0, longestText)}…` : value
  const withoutQuery = urlName.test(name) ? cut.replace(/\?.*/s, `?${redacted}`) : cut
  return withoutQuery.replace(queryOfUrl, `$1?${redacted}`)
}
