import type { Log, LogFields } from '../../ports/log.ts'
import { plain } from './plain.ts'

const levels = ['debug', 'info', 'warn', 'error'] as const

export type LogLevel = (typeof levels)[number]

/**
 * One JSON object a line: `at`, `level`, `event`, then the fields, which cannot replace the first three. Events below
 * `level` cost nothing. Stacks of errors are shown at level `debug` only. `write` gets the line without its end; what it
 * throws is swallowed, because no request may fail for its log.
 */
export function createConsoleLog(options: {
  readonly level: LogLevel
  readonly write: (line: string, level: LogLevel) => void
  readonly nowMs?: () => number
}): Log {
  const { level: least, write, nowMs = Date.now } = options
  const stacks = least === 'debug'

  const at =
    (level: LogLevel) =>
    (event: string, fields: LogFields = {}) => {
      if (levels.indexOf(level) < levels.indexOf(least)) return
      try {
        const head = { at: new Date(nowMs()).toISOString(), level, event }
        write(line({ ...head, ...(plain(fields, { stacks }) as object), ...head }), level)
      } catch {}
    }

  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

// JSON escapes controls below U+0020 only. These end lines or turn them around in terminals and log viewers.
const misleading = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu

function line(entry: object): string {
  return JSON.stringify(entry).replace(misleading, (character) =>
    Array.from({ length: character.length }, (_, i) => character.charCodeAt(i).toString(16).padStart(4, '0'))
      .map((unit) => `\\u${unit}`)
      .join(''),
  )
}
