import fc from 'fast-check'
import { expect, it } from 'vitest'
import { base64, base64Length } from '../../../../src/app/http/dashboard/base64.ts'

it('base64 is that of the whole, wherever the bytes are cut', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 8 }), async (chunks) => {
      async function* source() {
        yield* chunks
      }
      const text = await Array.fromAsync(base64(source()))
      const whole = Buffer.concat(chunks)
      expect(Buffer.concat(text).toString()).toBe(whole.toString('base64'))
      expect(base64Length(whole.length)).toBe(Buffer.concat(text).length)
      expect(text.every(({ length }) => length > 0)).toBe(true)
    }),
  )
})
