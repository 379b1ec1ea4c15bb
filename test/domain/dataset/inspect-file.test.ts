import { describe, expect, it } from 'vitest'
import { startInspection } from '../../../src/domain/dataset/inspect-file.ts'
import { FileRejected } from '../../../src/domain/dataset/rejection.ts'
import { anySide, inChunks, inspect } from './inspect.ts'
import { jpeg, png } from './tiny-images.ts'

describe('startInspection', () => {
  it('refuses a name of an unsupported type before any byte', () => {
    const limits = { ...anySide, maxFileBytes: 1, maxTextBytes: 1 }
    for (const name of ['a.exe', 'a.svg', 'a', 'a.', 'a.jpg.exe', 'jpg', 'a.constructor']) {
      expect(() => startInspection(name, { limits, parseConfig: () => undefined })).toThrow(
        expect.objectContaining({ code: 'unsupported-type', message: expect.stringContaining('.jpg') }),
      )
    }
  })

  it('throws rejections that say what they are', () => {
    const rejection = new FileRejected('empty', 'the file has no bytes')
    expect(rejection).toMatchObject({ name: 'FileRejected', code: 'empty', message: 'the file has no bytes' })
  })
})

describe('sizes', () => {
  const image = png({ width: 5, height: 3 })

  it('of nothing are empty', () => {
    for (const name of ['a.png', 'a.txt', 'a.json', 'a.yaml']) {
      expect(inspect(name, [])).toMatchObject({ code: 'empty' })
      expect(inspect(name, [new Uint8Array(0)])).toMatchObject({ code: 'empty' })
    }
  })

  it('may reach the limit', () => {
    const limits = { ...anySide, maxFileBytes: image.length }
    expect(inspect('a.png', inChunks(image, 7), limits)).toMatchObject({ kind: 'image' })
  })

  it('are refused as soon as they pass the limit, also behind the end of the image', () => {
    const longer = Buffer.concat([image, Buffer.alloc(10)])
    for (const size of [1, 7, 1000]) {
      const limits = { ...anySide, maxFileBytes: image.length + 9 }
      expect(inspect('a.png', inChunks(longer, size), limits)).toMatchObject({ code: 'too-large' })
    }
    const endless = (function* () {
      for (;;) yield image
    })()
    expect(inspect('a.png', endless, { ...anySide, maxFileBytes: 10_000 })).toMatchObject({ code: 'too-large' })
  })

  it('do not hide what the bytes before the limit say', () => {
    const limits = { maxFileBytes: 30 }
    for (const size of [1, 1000]) {
      expect(inspect('a.png', inChunks(image, size), limits)).toMatchObject({ code: 'image-too-small' })
      expect(inspect('a.png', inChunks(jpeg({ width: 5, height: 3 }), size), limits)).toMatchObject({
        code: 'type-mismatch',
      })
    }
  })
})
