import { describe, expect, it } from 'vitest'
import { pairCaptions } from '../../../src/domain/dataset/caption-pairs.ts'

const warned = (...names: string[]) => pairCaptions(names).warnings.map(({ code, file }) => `${code} ${file}`)

describe('pairCaptions', () => {
  it('pairs by stem, whatever the order', () => {
    const { captionOf, warnings } = pairCaptions(['b.txt', 'a.jpg', 'a.txt', 'b.webp', 'train.yaml'])
    expect([...captionOf]).toEqual([
      ['a.jpg', 'a.txt'],
      ['b.webp', 'b.txt'],
    ])
    expect(warnings).toEqual([])
  })

  it('compares stems exactly, up to the last dot', () => {
    expect(warned('a.b.jpg', 'a.txt', 'A.JPG')).toEqual([
      'missing-caption a.b.jpg',
      'orphan-caption a.txt',
      'missing-caption A.JPG',
    ])
    expect(warned('a.b.jpg', 'a.b.txt', 'a.jpg.txt')).toEqual(['orphan-caption a.jpg.txt'])
  })

  it('warns of images that share a stem, with or without a caption', () => {
    expect(warned('a.jpg', 'a.png', 'a.txt')).toEqual(['shared-caption a.png'])
    expect(warned('a.jpg', 'a.png', 'a.gif')).toEqual([
      'missing-caption a.jpg',
      'missing-caption a.png',
      'shared-caption a.png',
      'missing-caption a.gif',
      'shared-caption a.gif',
    ])
  })

  it('prefers the caption that trainers open', () => {
    const { captionOf, warnings } = pairCaptions(['a.TXT', 'a.jpg', 'a.txt'])
    expect(captionOf.get('a.jpg')).toBe('a.txt')
    expect(warnings).toMatchObject([{ code: 'orphan-caption', file: 'a.TXT' }])
    expect(pairCaptions(['a.TXT', 'a.jpg']).captionOf.get('a.jpg')).toBe('a.TXT')
  })

  it('says nothing of nothing, and takes names that look like properties', () => {
    expect(warned()).toEqual([])
    expect(warned('__proto__.jpg', 'constructor.txt')).toEqual([
      'missing-caption __proto__.jpg',
      'orphan-caption constructor.txt',
    ])
  })
})
