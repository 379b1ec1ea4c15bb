import { describe, expect, it } from 'vitest'
import { readJob } from '../../../src/adapters/js-yaml/read-job.ts'

describe('a job in YAML', () => {
  it('has its scalars as trainers read them', () => {
    const text = 'lr: 1e-4\neps: 1.0e-8\nsteps: 1_000\nema: no\nshuffle: True\naxis: y\nname: 2026-01-01\nlast: ~\n'
    expect(readJob(text)).toEqual({
      ...{ lr: 0.0001, eps: 1e-8, steps: 1000, ema: false, shuffle: true },
      ...{ axis: 'y', name: '2026-01-01', last: null },
    })
  })

  it('may have line ends of Windows, comments, letters of all kinds and merges', () => {
    const text = '# ćwiczenie\r\nbase: &base\r\n  a: Łódź # c\r\nmore:\r\n  <<: *base\r\n  b: 日本\r\n'
    expect(readJob(text)).toEqual({ base: { a: 'Łódź' }, more: { a: 'Łódź', b: '日本' } })
  })

  it.each([
    ['a: [1, 2', /line \d+, column \d+/],
    ['a: b: c', /line 1, column/],
    ['ok: 1\n\tbad: 2', /line 2, column/],
    ['a: !!python/object:os.system {}', /tag/],
    ['', /0 documents/],
    ['a: 1\n---\nb: 2', /2 documents/],
  ])('that is none says what is wrong, and where: %j', (text, message) => {
    expect(() => readJob(text)).toThrow(message)
  })
})
