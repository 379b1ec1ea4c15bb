import { type LogStatistics, type LogType, logTypes, type RecentLines } from '../../ports/recent-lines.ts'
import { readableLine, type WrittenEvent } from './readable-line.ts'

/**
 * Keeps of each type the last lines of a log that writes JSON, `maxLines` of them and `maxBytes` of UTF-8 at the most. `write`
 * takes one line of `createConsoleLog`, which has no secrets and no characters that mislead.
 */
export function createRecentLines(options: {
  readonly maxLines: number
  readonly maxBytes: number
  readonly nowMs: () => number
}): RecentLines & { readonly write: (line: string) => void } {
  const { nowMs } = options
  const rings = Object.fromEntries(logTypes.map((type) => [type, createRing(options)])) as Record<LogType, Ring>

  return {
    write(line) {
      const event = JSON.parse(line) as WrittenEvent
      const text = readableLine(event)
      for (const type of typesOf(event)) rings[type].add(text)
    },
    tail: (type, count) => rings[type].tail(count),
    statistics: () => logTypes.map((type): LogStatistics => ({ type, ...rings[type].statistics() })),
    clear: (type) => rings[type].clear(nowMs()),
  }
}

function typesOf({ event, level, requestId }: WrittenEvent): LogType[] {
  if (event === 'request') return ['requests']
  const types: LogType[] = ['app']
  if (level === 'warn' || level === 'error') types.push('errors')
  if (requestId === undefined) types.push('system')
  return types
}

interface Ring {
  add(line: string): void
  tail(count: number | undefined): readonly string[]
  statistics(): Omit<LogStatistics, 'type'>
  clear(nowMs: number): void
}

const encoder = new TextEncoder()

function createRing(limits: {
  readonly maxLines: number
  readonly maxBytes: number
  readonly nowMs: () => number
}): Ring {
  let lines: { readonly text: string; readonly sizeBytes: number }[] = []
  let sizeBytes = 0
  let modifiedAtMs = limits.nowMs()

  return {
    add(text) {
      const line = { text, sizeBytes: encoder.encode(text).byteLength + 1 }
      lines.push(line)
      sizeBytes += line.sizeBytes
      while (lines.length > limits.maxLines || sizeBytes > limits.maxBytes) sizeBytes -= lines.shift()?.sizeBytes ?? 0
      modifiedAtMs = limits.nowMs()
    },
    tail: (count) =>
      (count === undefined ? lines : lines.slice(Math.max(0, lines.length - count))).map(({ text }) => text),
    statistics: () => ({ lines: lines.length, sizeBytes, modifiedAt: new Date(modifiedAtMs) }),
    clear(nowMs) {
      lines = []
      sizeBytes = 0
      modifiedAtMs = nowMs
    },
  }
}
