import { createConsoleLog, type LogLevel } from '../adapters/console/log.ts'
import { createRecentLines } from '../adapters/recent-lines/recent-lines.ts'
import type { Log } from '../ports/log.ts'
import type { RecentLines } from '../ports/recent-lines.ts'
import type { Config } from './config.ts'

/** Of each type. */
const recentLimits = { maxLines: 1000, maxBytes: 512 * 1024 }

export interface LogSinks {
  readonly log: Log
  /** `undefined` where nobody can read them. */
  readonly recentLines: RecentLines | undefined
}

/** Writes from `LOG_LEVEL` on. For the dashboard it also keeps the last lines, from `info` on whatever is written. */
export function createLogSinks(
  { logLevel, dashboard }: Pick<Config, 'logLevel' | 'dashboard'>,
  { write, nowMs }: { write: (line: string, level: LogLevel) => void; nowMs: () => number },
): LogSinks {
  const written = createConsoleLog({ level: logLevel, write, nowMs })
  if (dashboard === 'off') return { log: written, recentLines: undefined }
  const recentLines = createRecentLines({ ...recentLimits, nowMs })
  const kept = createConsoleLog({ level: 'info', write: recentLines.write, nowMs })
  return { log: both(written, kept), recentLines }
}

function both(one: Log, other: Log): Log {
  const at =
    (level: LogLevel): Log[LogLevel] =>
    (event, fields) => {
      one[level](event, fields)
      other[level](event, fields)
    }
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}
