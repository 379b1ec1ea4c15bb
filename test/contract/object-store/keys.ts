import { describe, expect } from 'vitest'
import { KeyConflict } from '../../../src/ports/errors.ts'
import { compareKeys } from '../../../src/ports/object-key.ts'
import { bytes, inBatches, key, type StoreTest } from './harness.ts'

// A number in front keeps names apart that differ only in case, for the sake of folders that ignore it.
const printableAscii = Array.from({ length: 0x7f - 0x20 }, (_, i) => 0x20 + i)
  .filter((code) => code !== 0x2f && code !== 0x5c)
  .map((code) => `ascii/${code}${String.fromCharCode(code)}x`)

const strange = [
  "#?+%&=;:@!$'()*,~",
  'a b  c',
  '%2F',
  '%2e%2e',
  '%',
  '%zz',
  'a+b',
  '+',
  '...dots',
  '..a',
  '.hidden',
  '&amp;',
  '<tag attr="x">',
  ']]>',
  '{curly}[square]|pipe^hat`tick',
  'Zażółć gęślą jaźń.png',
  '画像データセット/一枚目.jpg',
  'ÅÄÖ-ñ-ß-ﬁ',
  'Ελληνικά.txt',
  'Русский.txt',
  'עברית.txt',
  'العربية.txt',
  '한국어.txt',
  '🐈.png',
  '👍🏽.png',
  '🇵🇱.png',
  '\u{e000}private',
  '\u{fffd}replacement',
  '\u{10fffd}',
].map((name) => `strange/${name}`)

export function describeKeys(test: StoreTest): void {
  describe('keys', () => {
    test('may hold every printable ASCII character', async ({ put, readText, listAll }) => {
      await inBatches(printableAscii, 16, (name) => put(name, name))
      expect((await listAll('ascii/')).map((found) => found.key)).toEqual([...printableAscii].sort(compareKeys))
      await inBatches(printableAscii, 16, async (name) => expect(await readText(name)).toBe(name))
    })

    test('may hold what the web, XML and other scripts make special', async ({
      store,
      put,
      readText,
      listAll,
      signal,
    }) => {
      const names = strange.map((name) => key(name))
      await inBatches(names, 8, (name) => put(name, name))
      expect((await listAll('strange/')).map((found) => found.key)).toEqual([...names].sort(compareKeys))
      await inBatches(names, 8, async (name) => {
        expect(await readText(name)).toBe(name)
        expect((await store.head(name, { signal }))?.key).toBe(name)
      })
      expect(await store.deleteMany(names, { signal })).toEqual(names.map((name) => ({ key: name, error: undefined })))
      expect(await listAll('')).toEqual([])
    })

    test('are told apart by case, by order and by one character', async ({ put, readText }) => {
      for (const name of ['d/one', 'd/one1', 'd/on', 'e/one', 'd/one one']) await put(name, name)
      for (const name of ['d/one', 'd/one1', 'd/on', 'e/one', 'd/one one']) expect(await readText(name)).toBe(name)
    })

    test('may be as long as the rules allow, or as long as the server survives', async ({ put, readText, gaps }) => {
      const longest = gaps.maxSegmentBytes ?? 255
      const segment = 'é'.repeat(Math.floor(longest / 2)) + 'x'.repeat(longest % 2)
      for (const name of [segment, `three/${segment}/${segment}/${segment.slice(1)}`, `${'d/'.repeat(449)}d`]) {
        await put(name, 'long')
        expect(await readText(name)).toBe('long')
      }
    })

    test('live beside keys they are the beginning of, or are refused as a conflict', async (stage) => {
      const { store, put, readText, gaps, signal } = stage
      const options = { signal, when: 'always', contentType: 'text/plain' } as const
      await put('a', 'file')
      await put('d/e/f', 'deep')
      if (gaps.keyConflicts) {
        await expect(store.put(key('a/b'), bytes('below'), options)).rejects.toBeInstanceOf(KeyConflict)
        await expect(store.put(key('a/b/c'), bytes('below'), options)).rejects.toBeInstanceOf(KeyConflict)
        await expect(store.put(key('d/e'), bytes('above'), options)).rejects.toBeInstanceOf(KeyConflict)
      } else {
        await put('a/b', 'below')
        await put('a/b/c', 'below')
        await put('d/e', 'above')
        expect(await readText('a/b')).toBe('below')
        expect(await readText('d/e')).toBe('above')
      }
      expect(await readText('a')).toBe('file')
      expect(await readText('d/e/f')).toBe('deep')
      expect(await store.head(key('a/x/y'), { signal })).toBeUndefined()
      expect(await store.get(key('d'), { signal })).toBeUndefined()
    })
  })
}
