import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { toBase64Url } from '../../../../src/adapters/hmac-links/base64url.ts'
import { fileId, keyOfFileId } from '../../../../src/app/http/dashboard/file-id.ts'
import { processId } from '../../../../src/domain/process/process-state.ts'
import { type ObjectKey, objectKeyOrUndefined } from '../../../../src/ports/object-key.ts'

const key = fc
  .array(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }), { minLength: 1, maxLength: 4 })
  .map((segments) => objectKeyOrUndefined(`results/${segments.join('/').normalize('NFC')}`))
  .filter((found) => found !== undefined)

const idOf = (text: string) => `file.${toBase64Url(new TextEncoder().encode(text))}`

describe('the id of a file', () => {
  it('says its key and nothing else, in letters that need no escape in a path', () => {
    fc.assert(
      fc.property(key, (given) => {
        expect(keyOfFileId(fileId(given))).toBe(given)
        expect(encodeURIComponent(fileId(given))).toBe(fileId(given))
      }),
    )
  })

  it('is never the id of a process', () => {
    expect(() => processId(fileId('results/a/lora/b.safetensors' as ObjectKey))).toThrow()
  })

  it.each([
    ['of our own bookkeeping', idOf('processes/state/a.json')],
    ['of a key that cannot be one', idOf('results/../a')],
    ['of bytes that are no text', `file.${toBase64Url(Uint8Array.of(0xff, 0xfe))}`],
    ['in another spelling', `${idOf('results/a/lora/b')}=`],
    ['of a process', 'train_0123456789ab'],
    ['without a key', 'file.'],
  ])('is not one %s', (_what, id) => {
    expect(keyOfFileId(id)).toBeUndefined()
  })
})
