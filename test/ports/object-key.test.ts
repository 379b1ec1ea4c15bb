import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve, sep } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { InvalidKey } from '../../src/ports/errors.ts'
import {
  compareKeys,
  maxKeyBytes,
  objectKeyOrUndefined,
  parseObjectKey,
  segmentFault,
} from '../../src/ports/object-key.ts'

const runs = Number(process.env.KEY_RUNS ?? 3000)
const bytesOf = (text: string) => new TextEncoder().encode(text).byteLength

const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.string({
    unit: fc.constantFrom('.', '/', '\\', '~', '-', ' ', 'a', '%', '\0', '\u202e', '\u200b', 'é', 'e\u0301', 'CON'),
    maxLength: 12,
  }),
)

describe('parseObjectKey', () => {
  it.each([
    ['', 'an empty key'],
    ['/a', 'a leading slash'],
    ['a/', 'a trailing slash'],
    ['a//b', 'an empty segment'],
    ['.', 'a dot'],
    ['..', 'two dots'],
    ['../../etc/passwd', 'a way up'],
    ['a/../b', 'a way up inside'],
    ['a/./b', 'a dot segment'],
    ['a\\b', 'a backslash'],
    ['a\0b', 'NUL'],
    ['a\nb', 'a line feed'],
    ['a\u0085b', 'a C1 control'],
    ['a\u007fb', 'DEL'],
    ['a\u202eb', 'a bidirectional override'],
    ['a\u200bb', 'a zero-width space'],
    ['a\u00adb', 'a soft hyphen'],
    ['a\ufeffb', 'a byte order mark'],
    ['a\u2028b', 'a line separator'],
    ['a\ud800b', 'a lone surrogate'],
    ['a.', 'a trailing dot'],
    ['a ', 'a trailing space'],
    [' a', 'a leading space'],
    ['-rf', 'a leading hyphen'],
    ['~root', 'a leading tilde'],
    ['CON', 'a device'],
    ['x/nul.txt', 'a device with an extension'],
    ['lpt¹.jpg', 'a device with a superscript'],
    ['.s3compat_uploads/x', 'the uploads of the store'],
    ['a'.repeat(256), 'a segment of 256 bytes'],
    ['ä'.repeat(128), 'a segment of 256 bytes in 128 characters'],
    [Array(10).fill('a'.repeat(99)).join('/'), 'a key of 999 bytes'],
  ])('refuses %j: %s', (key) => {
    expect(() => parseObjectKey(key)).toThrow(InvalidKey)
    expect(objectKeyOrUndefined(key)).toBeUndefined()
  })

  it.each([
    'a',
    'dataset/matt/a.jpg',
    "name with spaces & 'quotes' #12.JPG",
    'Zdjęcie łódź 日本 11.jpg',
    '%2e%2e',
    '%2F',
    '..a',
    '...b',
    '.hidden',
    'a+b=c;d?e*f|g<h>i"j:k',
    'console.log',
    '🦄.png',
    'a'.repeat(255),
    `${'a'.repeat(255)}/${'b'.repeat(255)}/${'c'.repeat(255)}`,
  ])('takes %j as it is', (key) => {
    expect(parseObjectKey(key)).toBe(key)
  })

  it('makes twins of Unicode normalisation one key, and knows the other for foreign', () => {
    expect(parseObjectKey('cafe\u0301.jpg')).toBe('caf\u00e9.jpg')
    expect(objectKeyOrUndefined('cafe\u0301.jpg')).toBeUndefined()
  })

  it('gives, for any text, a key that keeps every promise, or refuses it', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        let key: string
        try {
          key = parseObjectKey(text)
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidKey)
          return
        }
        expect(key).toBe(text.normalize('NFC'))
        expect(parseObjectKey(key)).toBe(key)
        expect(bytesOf(key)).toBeLessThanOrEqual(maxKeyBytes)
        expect(key.isWellFormed()).toBe(true)
        for (const segment of key.split('/')) {
          expect(segmentFault(segment)).toBeUndefined()
          expect(['', '.', '..']).not.toContain(segment)
        }
        // On the wire, and on a disk of any system, it stays below its prefix.
        expect(resolve(`/root/${key}`).startsWith(`/root${sep}`)).toBe(true)
        expect(new URL(`http://h/p/${encodeURIComponent(key).replaceAll('%2F', '/')}`).pathname.startsWith('/p/')).toBe(
          true,
        )
      }),
      { numRuns: runs },
    )
  })

  it('gives names that a folder keeps as they are', async () => {
    const root = await mkdtemp(join(tmpdir(), 'keys-'))
    try {
      const names = fc
        .sample(anyText, 500)
        .flatMap((text) => objectKeyOrUndefined(text.normalize('NFC')) ?? [])
        .filter((key) => !key.includes('/'))
      for (const name of new Set(names)) {
        await mkdir(dirname(join(root, name)), { recursive: true })
        await writeFile(join(root, name), '')
      }
      expect((await readdir(root)).sort()).toEqual([...new Set<string>(names)].sort())
    } finally {
      await rm(root, { recursive: true })
    }
  })
})

describe('compareKeys', () => {
  it('orders as the bytes of UTF-8 do', () => {
    const text = fc.string({
      unit: fc.constantFrom('a', 'b', '/', 'é', '\u{e000}', '\u{ffee}', '🦄', '\u{10ffff}', '日'),
      maxLength: 6,
    })
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect(Math.sign(compareKeys(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)))
      }),
      { numRuns: runs },
    )
  })
})
