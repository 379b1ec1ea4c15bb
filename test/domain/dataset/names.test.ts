import { describe, expect, it } from 'vitest'
import { datasetName } from '../../../src/domain/dataset/dataset-name.ts'
import { fileKind, fileType } from '../../../src/domain/dataset/file-kind.ts'
import { fileName } from '../../../src/domain/dataset/file-name.ts'
import { FileRejected } from '../../../src/domain/dataset/rejection.ts'
import { InvalidName } from '../../../src/domain/errors.ts'

const nfd = 'łódź.jpg'.normalize('NFD')

describe('fileName', () => {
  it('keeps a good name as it is, in form C', () => {
    for (const name of ["name with spaces & 'quotes' #12.JPG", 'Zdjęcie łódź 日本 11.jpg', 'a%20b.png', '🏖.png', 'a']) {
      expect(fileName(name)).toBe(name)
    }
    expect(fileName(nfd)).toBe('łódź.jpg'.normalize('NFC'))
  })

  it.each([
    'C:\\x\\a.jpg',
    'a/b.jpg',
    '/a.jpg',
    '../a.jpg',
    '..',
    '',
    '.hidden.jpg',
    'a\0.jpg',
    'a\u202egpj.exe',
    'a\u200b.jpg',
    'a\r\n.jpg',
    'con.jpg',
    'a.jpg ',
    'a.',
    '-a.jpg',
    'a\ufffd.jpg',
    `${'a'.repeat(252)}.jpg`,
  ])('refuses %j', (name) => {
    expect(() => fileName(name)).toThrow(FileRejected)
    expect(() => fileName(name)).toThrow(expect.objectContaining({ code: 'invalid-name' }))
  })
})

describe('datasetName', () => {
  it('keeps a good name as it is, in form C', () => {
    for (const name of ['matt', 'my set', 'łódź 日本', 'a'.repeat(150)]) expect(datasetName(name)).toBe(name)
    expect(datasetName(nfd)).toBe(nfd.normalize('NFC'))
  })

  it.each(['', '.', '..', '.hidden', 'a/b', 'a\\b', 'a ', 'nul', 'a'.repeat(151), '日'.repeat(51)])(
    'refuses %j',
    (name) => {
      expect(() => datasetName(name)).toThrow(InvalidName)
    },
  )
})

describe('fileKind', () => {
  it('goes by the last extension, in any case', () => {
    for (const name of ['a.jpg', 'a.JPEG', 'a.txt.png', 'a.webp', 'a.Bmp', 'a.gif'])
      expect(fileKind(name)).toBe('image')
    expect(fileKind('a.jpg.TXT')).toBe('caption')
    for (const name of ['a.yaml', 'a.YML', 'a.json']) expect(fileKind(name)).toBe('config')
    for (const name of ['a.exe', 'a', 'jpg', 'a.jpg.', 'a.svg', 'a.tiff']) expect(fileKind(name)).toBeUndefined()
  })

  it('has one content type for each', () => {
    expect(fileType('a.jpeg')).toBe(fileType('a.jpg'))
    expect(fileType('a.yml')).toEqual({ kind: 'config', format: 'yaml', contentType: 'application/yaml' })
  })
})
