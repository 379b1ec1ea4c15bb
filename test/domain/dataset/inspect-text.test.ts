import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { inChunks, inspect, splitAt } from './inspect.ts'

const utf8 = (text: string) => new TextEncoder().encode(text)
const verdict = (name: string, text: string | Uint8Array) => {
  const bytes = typeof text === 'string' ? utf8(text) : text
  const whole = inspect(name, [bytes])
  for (const size of [1, 2, 3]) if (bytes.length < 1000) expect(inspect(name, inChunks(bytes, size))).toEqual(whole)
  return whole
}

describe('captions', () => {
  it('are UTF-8 text, with or without a byte order mark', () => {
    const accepted = { kind: 'caption', contentType: 'text/plain; charset=utf-8' }
    expect(verdict('a.txt', 'ohwx person, łódź, 日本 🏖')).toEqual(accepted)
    expect(verdict('a.TXT', '\ufeffohwx')).toEqual(accepted)
  })

  it.each([
    ['spaces', '  \n\t\r\n'],
    ['a byte order mark', '\ufeff'],
    ['a byte order mark and spaces', '\ufeff \n'],
    ['Unicode spaces', '\u00a0\u2003\u3000\u2028\u0085'],
  ])('of only %s are blank', (_, text) => {
    expect(verdict('a.txt', text)).toMatchObject({ code: 'caption-blank' })
  })

  it.each([
    ['Latin-1', Buffer.from('café au lait', 'latin1')],
    ['Latin-1 that ends inside of a character', Buffer.from('café', 'latin1')],
    ['UTF-16', Buffer.from('\ufeffohwx', 'utf16le')],
    ['overlong forms', Buffer.from('c0af', 'hex')],
    ['surrogates', Buffer.from('eda080', 'hex')],
  ])('in %s are refused', (_, bytes) => {
    expect(verdict('a.txt', bytes)).toMatchObject({ code: 'caption-not-utf8' })
  })

  it('may have a mebibyte and not a byte more', () => {
    expect(verdict('a.txt', 'a'.repeat(2 ** 20))).toMatchObject({ kind: 'caption' })
    expect(verdict('a.txt', 'a'.repeat(2 ** 20 + 1))).toMatchObject({ code: 'too-large' })
  })

  it('of random bytes are judged alike however they are split', () => {
    const bytes = fc.oneof(fc.uint8Array({ maxLength: 12 }), fc.string({ unit: 'binary', maxLength: 12 }).map(utf8))
    fc.assert(
      fc.property(bytes, fc.array(fc.nat(12)), (text, offsets) => {
        const within = offsets.map((offset) => Math.min(offset, text.length))
        expect(inspect('a.txt', splitAt(text, within))).toEqual(inspect('a.txt', [text]))
      }),
    )
  })
})

describe('configs', () => {
  it('parse', () => {
    expect(verdict('a.yaml', 'a: [1, 2]\nb: &x {c: d}\ne:\n  <<: *x\n')).toEqual({
      kind: 'config',
      contentType: 'application/yaml',
    })
    expect(verdict('a.yml', '\ufeff---\na: 1\n---\nb: 2\n')).toMatchObject({ kind: 'config' })
    expect(verdict('a.JSON', '\ufeff{"a": [1, 2]}')).toEqual({ kind: 'config', contentType: 'application/json' })
  })

  it.each([
    ['a.yaml', 'a: [1, 2\nb: }', 'YAML'],
    ['a.yaml', 'a: *missing', 'YAML'],
    ['a.yaml', '# nothing\n', 'YAML'],
    ['a.yaml', 'a: !!js/function x', 'YAML'],
    ['a.json', '{"a": 1,}', 'JSON'],
    ['a.json', '{"a": 1} x', 'JSON'],
    ['a.json', ' ', 'JSON'],
  ])('%s with %j is invalid, and says why on one line', (name, text, format) => {
    expect(verdict(name, text)).toMatchObject({
      code: 'config-invalid',
      detail: expect.stringMatching(new RegExp(`^not valid ${format}: .+$`)),
    })
  })

  it('are UTF-8, not empty and limited', () => {
    expect(verdict('a.json', Buffer.from('"é"', 'latin1'))).toMatchObject({ code: 'config-invalid' })
    expect(verdict('a.yaml', '')).toMatchObject({ code: 'empty' })
    expect(verdict('a.yaml', '#'.repeat(2 ** 20 + 1))).toMatchObject({ code: 'too-large' })
  })

  it('are judged soon, however they are meant', () => {
    const mebibyte = (text: string) => text.repeat(2 ** 20 / text.length)
    const laughs = Array.from({ length: 20 }, (_, i) => `a${i + 1}: &a${i + 1} [${`*a${i},`.repeat(20)}]`).join('\n')
    expect(verdict('a.yaml', `a0: &a0 lol\n${laughs}`)).toMatchObject({ kind: 'config' })
    for (const text of ['[', '{a: ', '- ', '? ', '"a\n']) {
      expect(verdict('a.yaml', mebibyte(text))).toMatchObject({ code: 'config-invalid' })
    }
    for (const text of ['[', '{"":']) {
      expect(verdict('a.json', mebibyte(text))).toMatchObject({ code: 'config-invalid' })
    }
    expect(verdict('a.json', '['.repeat(2 ** 19) + ']'.repeat(2 ** 19))).toMatchObject({ kind: 'config' })
  }, 10_000)
})
