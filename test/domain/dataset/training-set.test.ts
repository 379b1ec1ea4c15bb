import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { imageSize } from 'image-size'
import { describe, expect, it } from 'vitest'
import { inChunks, inspect, splitAt } from './inspect.ts'

const folder = new URL('../../data/training-set/', import.meta.url)
const expected: {
  good: { name: string; kind: string; width?: number; height?: number }[]
  bad: { name: string; code: string }[]
} = JSON.parse(readFileSync(new URL('expected.json', folder), 'utf8'))

const read = (part: 'good' | 'bad', name: string) =>
  new Uint8Array(readFileSync(new URL(`${part}/${encodeURIComponent(name)}`, folder)))
const chunkings = (bytes: Uint8Array) => (bytes.length < 100_000 ? [1, 7, 4096, bytes.length + 1] : [7, 4096, 1 << 30])

describe('the training set', () => {
  it('is there', () => {
    expect(expected.good).toHaveLength(27)
    expect(expected.bad).toHaveLength(17)
  })

  it.each(expected.good)('accepts $name', ({ name, kind, width, height }) => {
    const bytes = read('good', name)
    for (const size of chunkings(bytes)) {
      expect(inspect(name, inChunks(bytes, size))).toEqual({ kind, contentType: expect.any(String), width, height })
    }
    if (kind === 'image') expect(imageSize(bytes)).toMatchObject({ width, height })
  })

  it.each(expected.bad)('refuses $name as $code', ({ name, code }) => {
    const bytes = read('bad', name)
    const verdicts = chunkings(bytes).map((size) => inspect(name, inChunks(bytes, size)))
    for (const verdict of verdicts) {
      expect(verdict).toMatchObject({ code })
      expect(verdict).toEqual(verdicts[0])
    }
  })

  it.each([...expected.good, ...expected.bad])('judges $name alike however it is split', (file) => {
    const bytes = read('code' in file ? 'bad' : 'good', file.name)
    const whole = inspect(file.name, [bytes])
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length), { maxLength: 40 }), (offsets) => {
        expect(inspect(file.name, splitAt(bytes, offsets))).toEqual(whole)
      }),
      { numRuns: 25 },
    )
  })

  it.each(expected.good.filter(({ kind }) => kind === 'image'))('never accepts a part of $name', ({ name }) => {
    // The one file whose end lies 41 bytes before its last byte.
    const bytes = name.startsWith('trailing_bytes') ? read('good', name).subarray(0, -41) : read('good', name)
    expect(inspect(name, [bytes])).toHaveProperty('kind')
    fc.assert(
      fc.property(fc.integer({ min: 0, max: bytes.length - 1 }), (length) => {
        expect(inspect(name, [bytes.subarray(0, length)])).toHaveProperty('code')
      }),
      { numRuns: 60, examples: [[bytes.length - 1], [bytes.length - 2]] },
    )
  })
})
