import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createConsoleLog } from '../../../src/adapters/console/log.ts'
import { createRecentLines } from '../../../src/adapters/recent-lines/recent-lines.ts'

const startedAtMs = Date.parse('2026-03-01T12:00:00.000Z')

function logged(limits: { maxLines?: number; maxBytes?: number } = {}) {
  let now = startedAtMs
  const nowMs = () => now
  const recent = createRecentLines({ maxLines: 10, maxBytes: 1000, nowMs, ...limits })
  const log = createConsoleLog({ level: 'info', write: recent.write, nowMs })
  return {
    recent,
    log,
    pass(durationMs: number) {
      now += durationMs
    },
  }
}

describe('recent lines', () => {
  it('are read by people, each on one line', () => {
    const { recent, log } = logged()
    log.warn('store-retry', { operation: 'put', attempt: 2, text: 'a "b"\nc\u2028d\u202ee' })
    expect(recent.tail('app')).toEqual([
      '2026-03-01T12:00:00.000Z WARN store-retry operation=put attempt=2 text="a \\"b\\"\\nc\\u{2028}d\\u{202e}e"',
    ])
  })

  it('are of the types that they belong to', () => {
    const { recent, log } = logged()
    log.info('request', { requestId: 'r', status: 200 })
    log.info('swept', {})
    log.warn('response-broken', { requestId: 'r' })
    log.error('request-failed', { requestId: 'r' })
    const events = (type: 'app' | 'requests' | 'errors' | 'system') =>
      recent.tail(type).map((line) => line.split(' ').slice(1, 3).join(' '))
    expect(events('requests')).toEqual(['INFO request'])
    expect(events('app')).toEqual(['INFO swept', 'WARN response-broken', 'ERROR request-failed'])
    expect(events('errors')).toEqual(['WARN response-broken', 'ERROR request-failed'])
    expect(events('system')).toEqual(['INFO swept'])
  })

  it('are the last ones, in lines and in bytes, whatever is logged', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme', maxLength: 400 }), { maxLength: 40 }), (texts) => {
        const { recent, log } = logged({ maxLines: 7, maxBytes: 2000 })
        for (const text of texts) log.info('said', { text })
        const lines = recent.tail('app')
        const [statistics] = recent.statistics()
        expect(lines.length).toBeLessThanOrEqual(7)
        expect(statistics?.sizeBytes).toBe(Buffer.byteLength(lines.map((line) => `${line}\n`).join('')))
        expect(statistics?.sizeBytes).toBeLessThanOrEqual(2000)
        const every = logged({ maxLines: 1000, maxBytes: 2 ** 20 })
        for (const text of texts) every.log.info('said', { text })
        const all = every.recent.tail('app')
        expect(all.slice(all.length - lines.length)).toEqual(lines)
      }),
    )
  })

  it('are as many as were asked for, and no longer than can be read', () => {
    const { recent, log } = logged({ maxBytes: 10_000 })
    for (let i = 0; i < 5; i++) log.info('said', { i })
    expect(recent.tail('app', 2).map((line) => line.slice(-3))).toEqual(['i=3', 'i=4'])
    expect(recent.tail('app', 0)).toEqual([])
    log.info('said', { text: 'x'.repeat(4000) })
    expect(recent.tail('app', 1)[0]).toHaveLength(2001)
  })

  it('are gone when they are cleared, those of other types not', () => {
    const { recent, log, pass } = logged()
    log.warn('first')
    pass(1000)
    log.warn('second')
    pass(1000)
    recent.clear('app')
    expect(recent.tail('app')).toEqual([])
    expect(recent.tail('errors')).toHaveLength(2)
    expect(recent.statistics()).toEqual([
      { type: 'app', lines: 0, sizeBytes: 0, modifiedAt: new Date(startedAtMs + 2000) },
      { type: 'requests', lines: 0, sizeBytes: 0, modifiedAt: new Date(startedAtMs) },
      { type: 'errors', lines: 2, sizeBytes: expect.any(Number), modifiedAt: new Date(startedAtMs + 1000) },
      { type: 'system', lines: 2, sizeBytes: expect.any(Number), modifiedAt: new Date(startedAtMs + 1000) },
    ])
  })
})
