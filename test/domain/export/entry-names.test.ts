import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { entryNames, type ProposedPlace } from '../../../src/domain/export/entry-names.ts'
import { folded, isSafeEntryName, splitExtension, utf8Bytes } from '../../../src/domain/export/name-segment.ts'

const named = (...paths: readonly string[]) => entryNames(paths.map(place))
function place(path: string): ProposedPlace {
  const slash = path.lastIndexOf('/')
  return { folder: path.slice(0, Math.max(0, slash)), file: path.slice(slash + 1) }
}

describe('entry names', () => {
  it('keep what is good as it is', () => {
    const good = [
      'cats/a.jpg',
      'cats/a.txt',
      'deep/er/日本 ü.png',
      'LICENSE',
      '.hidden',
      'x (2).png',
      "it's 100% [ok] #1.txt",
    ]
    expect(named(...good)).toEqual(good)
  })

  it.each([
    ['../../etc/passwd', 'etc/passwd'],
    ['/abs/x', 'abs/x'],
    ['a//b/./c', 'a/b/c'],
    ['a/../../up', 'a/up'],
    ['C:/windows/x', 'C_/windows/x'],
    ['a\\..\\b', 'a_.._b'],
    ['nul\0byte\n.txt', 'nul_byte_.txt'],
    ['dot./space /end. .', 'dot/space/end'],
    ['con/NUL.txt', '_con/_NUL.txt'],
    ['com1.tar.gz', '_com1.tar.gz'],
    ['LPT¹', '_LPT¹'],
    ['conform.txt', 'conform.txt'],
    ['..', '_'],
    ['folder/...', 'folder/_'],
    ['stream:hidden?.txt', 'stream_hidden_.txt'],
    ['e\u0301.png', 'é.png'],
    ['right\u202eleft.txt', 'right_left.txt'],
    ['half\ud800.txt', 'half_.txt'],
  ])('%j becomes %j', (given, expected) => {
    expect(named(given)).toEqual([expected])
  })

  it('treat slashes in a file name as characters that may not be there', () => {
    expect(entryNames([{ folder: 'x', file: '../y' }])).toEqual(['x/.._y'])
  })

  it('number what would be the same file, before the extension, in any letter case and normalisation', () => {
    expect(named('a.jpg', 'A.jpg', 'a.JPG')).toEqual(['a.jpg', 'A (2).jpg', 'a (3).JPG'])
    expect(named('é.jpg', 'e\u0301.jpg')).toEqual(['é.jpg', 'é (2).jpg'])
    expect(named('straße', 'STRASSE', 'Straẞe')).toEqual(['straße', 'STRASSE (2)', 'Straẞe (3)'])
    expect(named('ΟΔΟΣ', 'οδος', 'οδοσ')).toEqual(['ΟΔΟΣ', 'οδος (2)', 'οδοσ (3)'])
    expect(named('x', 'x', 'x')).toEqual(['x', 'x (2)', 'x (3)'])
    expect(named('a/x.png', 'A/x.png')).toEqual(['a/x.png', 'A/x (2).png'])
  })

  it('leave a real " (2)" its name', () => {
    expect(named('a.jpg', 'A.jpg', 'a (2).jpg')).toEqual(['a.jpg', 'A (3).jpg', 'a (2).jpg'])
  })

  it('keep image and caption together', () => {
    expect(named('a.jpg', 'a.txt', 'A.jpg', 'A.txt')).toEqual(['a.jpg', 'a.txt', 'A (2).jpg', 'A (2).txt'])
    expect(named('a.jpg', 'A.txt', 'A.jpg', 'a.txt')).toEqual(['a.jpg', 'A (2).txt', 'A (2).jpg', 'a.txt'])
    expect(named('a.jpg', 'a.txt', 'a.jpg', 'a.txt')).toEqual(['a.jpg', 'a.txt', 'a (2).jpg', 'a (2).txt'])
    expect(named('con.jpg', 'con.txt')).toEqual(['_con.jpg', '_con.txt'])
  })

  it('do not give an image the caption of another one', () => {
    // The first has no caption; the second is renamed because both become `a_`.
    expect(named('a?.jpg', 'a*.jpg', 'a*.txt')).toEqual(['a_.jpg', 'a_ (2).jpg', 'a_ (2).txt'])
    expect(named('a.jpg', 'A.jpg', 'a (2).txt')).toEqual(['a.jpg', 'A (3).jpg', 'a (2).txt'])
  })

  it('do not let a file take the place of a folder', () => {
    expect(named('a/b', 'a/b/c.txt', 'A')).toEqual(['a/b (2)', 'a/b/c.txt', 'A (2)'])
  })

  it('are at most 255 bytes a segment, extension and pairs kept', () => {
    const stem = '日'.repeat(300)
    const [folder = '', image = '', caption = ''] = [
      named(`${stem}/x`)[0]?.split('/')[0],
      ...named(`${stem}.jpeg`, `${stem}.txt`),
    ]
    expect(utf8Bytes(folder)).toBe(255)
    expect(utf8Bytes(image)).toBeLessThanOrEqual(255)
    expect(splitExtension(image)).toEqual({ stem: splitExtension(caption).stem, extension: '.jpeg' })
    const [first = '', second = ''] = named(`${stem}1.png`, `${stem}2.png`)
    expect(second).toMatch(/^日+ \(2\)\.png$/)
    expect(folded(first)).not.toBe(folded(second))
    expect(isSafeEntryName(named(`com1${' '.repeat(300)}x`)[0] ?? '')).toBe(true)
  })

  it('are safe, unique wherever they are unpacked, paired and the same every time, for any strings at all', () => {
    const character = fc.constantFrom(...'aAäÄéß.. /\\:?()2-~\0\u0301\u202eﬀ日🎉con'.split(''), '\u{1f389}', '\ud83c')
    const segment = fc.oneof(
      fc.array(character, { maxLength: 5 }).map((characters) => characters.join('')),
      fc.string({ unit: 'binary', maxLength: 6 }),
      fc.constantFrom(
        'con',
        'a',
        'A',
        'a.jpg',
        'a.txt',
        'A.txt',
        'a (2).jpg',
        `${'x'.repeat(260)}.png`,
        `${' '.repeat(300)}.png`,
      ),
    )
    fc.assert(
      fc.property(fc.array(fc.record({ folder: segment, file: segment }), { maxLength: 30 }), (places) => {
        const names = entryNames(places)
        expect(names).toHaveLength(places.length)
        for (const name of names) expect(name).toSatisfy(isSafeEntryName)
        expect(new Set(names.map(folded)).size).toBe(names.length)
        const files = new Set(names.map(folded))
        for (const name of names) {
          for (let at = name.indexOf('/'); at !== -1; at = name.indexOf('/', at + 1)) {
            expect(files).not.toContain(folded(name.slice(0, at)))
          }
        }
        expect(entryNames(places)).toEqual(names)
        // Whether there are others that have to be numbered does not change them.
        const twin = { folder: 'apart from all', file: 'twin' }
        expect(entryNames([...places, twin, twin]).slice(0, places.length)).toEqual(names)
      }),
      { numRuns: 1_000 },
    )
  })

  it('are measured in bytes as they will be written', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        fc.constantFrom('', '\ud83c', '\udf89', '\ud83c\ud83c\udf89'),
        (text, end) => {
          expect(utf8Bytes(text + end + text)).toBe(new TextEncoder().encode(text + end + text).byteLength)
        },
      ),
    )
  })

  it('of names that are clean and differ stay as they are', () => {
    const clean = fc.stringMatching(/^[a-z]{2}\.(png|txt)$/)
    fc.assert(
      fc.property(fc.uniqueArray(clean, { maxLength: 20 }), (files) => {
        expect(named(...files)).toEqual(files)
      }),
    )
  })

  it.each([
    ['different', (index: number) => `${index}.png`],
    ['equal', () => 'a.png'],
    ['equal but for the numbers they would get', (index: number) => (index % 2 === 0 ? 'a.png' : `a (${index}).png`)],
    ['long and equal at the beginning', (index: number) => `${'x'.repeat(300)}${index}.png`],
  ])('of 70,000 files that are %s take no more than seconds', (_, file) => {
    const places = Array.from({ length: 70_000 }, (_, index) => ({ folder: 'dataset/cats', file: file(index) }))
    const started = performance.now()
    const names = entryNames(places)
    expect(performance.now() - started).toBeLessThan(30_000)
    expect(new Set(names.map(folded)).size).toBe(70_000)
  })
})
