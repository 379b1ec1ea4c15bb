import { describe, expect, it } from 'vitest'
import type { Log, LogFields } from '../../src/ports/log.ts'

/** What `Log` promises. `open` gives a log that shows every level, and the lines it has written so far. */
export function describeLog(name: string, open: () => { log: Log; lines: readonly string[] }): void {
  describe(`${name} as a Log`, () => {
    it('keeps one event on one line, whatever is in it', () => {
      const { log, lines } = open()
      const nasty = 'a\nb\r\nc\u0000\u001b[31m\u0085\u2028\u2029\u202e\ud800'
      log.info(nasty, { nasty, [nasty]: nasty, nested: [nasty] })
      log.debug('second')
      log.warn('third', {})
      log.error('fourth', { error: new Error(nasty) })
      expect(lines).toHaveLength(4)
      for (const line of lines) expect(line).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
    })

    it('never throws', () => {
      const { log, lines } = open()
      const circle: Record<string, unknown> = {}
      circle.self = circle
      const hostile = {
        get trap(): never {
          throw new Error('read me not')
        },
        toJSON() {
          throw new Error('nor me')
        },
      }
      const looped = new Error('looped')
      looped.cause = looped
      const revoked = Proxy.revocable({}, {})
      revoked.revoke()
      const fields: unknown[] = [
        circle,
        hostile,
        looped,
        revoked.proxy,
        10n ** 30n,
        Symbol('s'),
        () => 1,
        new Date(Number.NaN),
        Number.NaN,
        Object.create(null),
        new Map([[circle, 1n]]),
        'x'.repeat(1_000_000),
        deep(10_000),
        null,
        undefined,
      ]
      for (const field of fields) expect(() => log.error('odd', { field })).not.toThrow()
      for (const field of fields) expect(() => log.error('odd', field as LogFields)).not.toThrow()
      expect(lines).toHaveLength(2 * fields.length)
    })
  })
}

function deep(levels: number): object {
  let made: object = {}
  for (let i = 0; i < levels; i++) made = { made }
  return made
}
