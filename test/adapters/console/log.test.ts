import { describe, expect, it } from 'vitest'
import { createConsoleLog, type LogLevel } from '../../../src/adapters/console/log.ts'
import { StoreUnavailable } from '../../../src/ports/errors.ts'
import { describeLog } from '../../contract/log.ts'

function open(level: LogLevel = 'debug') {
  const lines: string[] = []
  const nowMs = () => Date.parse('2026-02-03T04:05:06.789Z')
  const log = createConsoleLog({ level, nowMs, write: (line) => lines.push(line) })
  const entry = () => JSON.parse(lines.at(-1) ?? 'null') as Record<string, unknown>
  return { log, lines, entry }
}

describeLog('console', open)

describe('the console log', () => {
  it('writes time, level and event first, and no field replaces them', () => {
    const { log, lines } = open()
    log.warn('store-retry', { operation: 'put', attempt: 2, at: 'never', level: 'debug' })
    expect(lines).toEqual([
      '{"at":"2026-02-03T04:05:06.789Z","level":"warn","event":"store-retry","operation":"put","attempt":2}',
    ])
  })

  it('leaves out what is below its level', () => {
    const { log, lines } = open('warn')
    log.debug('a')
    log.info('b')
    expect(lines).toEqual([])
    log.warn('c')
    log.error('d')
    expect(lines).toHaveLength(2)
  })

  it('shows errors with code and causes, and stacks at debug only', () => {
    const cause = Object.assign(new TypeError('fetch failed'), {
      cause: Object.assign(new Error('reset'), { code: 'ECONNRESET' }),
    })
    const error = new StoreUnavailable('the store does not answer', { cause })
    const shown = {
      name: 'StoreUnavailable',
      code: 'store-unavailable',
      message: 'the store does not answer',
      cause: {
        name: 'TypeError',
        message: 'fetch failed',
        cause: { name: 'Error', code: 'ECONNRESET', message: 'reset' },
      },
    }
    const { log, entry } = open('info')
    log.error('failed', { error })
    expect(entry().error).toEqual(shown)
    const verbose = open('debug')
    verbose.log.error('failed', { error })
    expect(verbose.entry().error).toMatchObject({ ...shown, stack: expect.stringContaining('log.test.ts') })
  })

  it('shows all errors of an aggregate', () => {
    const { log, entry } = open('info')
    log.error('failed', { error: new AggregateError([new Error('one'), new Error('two')], 'both') })
    expect(entry().error).toMatchObject({ message: 'both', errors: [{ message: 'one' }, { message: 'two' }] })
  })

  it('hides what is named like a secret, at every depth, and shows numbers named so', () => {
    const { log, entry } = open()
    log.info('request', {
      headers: { authorization: 'Bearer abc', Cookie: 'x', 'x-amz-security-token': 'abc', accept: '*/*' },
      secretAccessKey: 'abc',
      apiToken: ['abc'],
      tokens: 3,
    })
    expect(entry()).toMatchObject({
      headers: {
        authorization: '[redacted]',
        Cookie: '[redacted]',
        'x-amz-security-token': '[redacted]',
        accept: '*/*',
      },
      secretAccessKey: '[redacted]',
      apiToken: '[redacted]',
      tokens: 3,
    })
    expect(JSON.stringify(entry())).not.toContain('abc')
  })

  it('hides the query of every URL, in fields and in messages', () => {
    const { log, lines, entry } = open()
    log.info('request', {
      url: '/v1/x?sig=abc',
      requestUrl: new URL('https://host/x?sig=abc#f'),
      message: 'GET https://host/bucket/key?X-Amz-Signature=abc failed, why?',
      error: new Error('no answer from https://host/x?sig=abc'),
    })
    expect(lines.join()).not.toContain('abc')
    expect(entry()).toMatchObject({
      url: '/v1/x?[redacted]',
      message: 'GET https://host/bucket/key?[redacted] failed, why?',
    })
  })

  it('survives a writer that throws', () => {
    const log = createConsoleLog({
      level: 'info',
      write() {
        throw new Error('EPIPE')
      },
    })
    expect(() => log.info('event')).not.toThrow()
  })

  it('cuts what is too long, too deep or too many', () => {
    const { log, lines } = open()
    log.info('large', { text: 'x'.repeat(1e6), list: Array.from({ length: 1e5 }, (_, i) => i) })
    expect(lines[0]?.length).toBeLessThan(10_000)
  })
})
