import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CodedError } from '../../../src/ports/errors.ts'
import { boundary, field, file, form, part, read, readAll, source } from './forms.ts'

const small = form(field('a', 'b'), file('c.jpg', 'some\r\n--bytes'), file('d.txt', ''))

describe('a form that is cut off', () => {
  it('is never complete, wherever it is cut', async () => {
    // Behind the last two dashes only an empty line follows, which need not be there.
    for (let length = 0; length < small.length - 2; length++) {
      for (const chunkBytes of [1, 5, small.length]) {
        const request = source(small.subarray(0, length), chunkBytes)
        await expect(readAll(request)).rejects.toMatchObject({ code: 'malformed-form' })
        expect(request.stream.locked).toBe(false)
      }
      const skipping = async () => {
        for await (const _ of read(small.subarray(0, length)));
      }
      await expect(skipping()).rejects.toMatchObject({ code: 'malformed-form' })
    }
  })

  it('throws inside of the file that is cut, and again when the next part is asked for', async () => {
    const bytes = form(file('c.jpg', 'x'.repeat(1000)))
    const end = Buffer.from(bytes).lastIndexOf('\r\n--')
    for (let length = end - 500; length < end + 4 + boundary.length; length += 7) {
      const parts = read(bytes.subarray(0, length), { chunkBytes: 100 })
      const { value } = await parts.next()
      if (value?.type !== 'file') throw new Error('a file was expected')
      await expect(Array.fromAsync(value.body)).rejects.toMatchObject({ code: 'malformed-form' })
      await expect(parts.next()).rejects.toMatchObject({ code: 'malformed-form' })
    }
  })
})

describe('a malformed part', () => {
  const disposition = 'Content-Disposition: form-data; name="a"'

  it.each([
    ['without headers', part([''], 'x')],
    ['without a disposition', part(['Content-Type: image/png'], 'x')],
    ['with two dispositions', part([disposition, disposition], 'x')],
    ['that is an attachment', part(['Content-Disposition: attachment; name="a"; filename="b"'], 'x')],
    ['without a name', part(['Content-Disposition: form-data; filename="b"'], 'x')],
    ['with a name twice', part([`${disposition}; name="b"`], 'x')],
    ['with an open quote', part(['Content-Disposition: form-data; name="a'], 'x')],
    ['with nonsense between parameters', part([`${disposition} nonsense; filename="b"`], 'x')],
    ['with a bare line break in its name', part(['Content-Disposition: form-data; name="a\nb"'], 'x')],
    ['in base64', part([`${disposition}; filename="b"`, 'Content-Transfer-Encoding: base64'], 'eA==')],
    ['that ends inside of its headers', Buffer.from(`--${boundary}\r\n${disposition}\r\n`)],
    ['that ends before its headers', Buffer.from(`--${boundary}\r\n`)],
    [
      'behind something that only begins like the boundary',
      Buffer.from(`--${boundary}x\r\n${disposition}\r\n\r\n\r\n`),
    ],
  ])('%s is refused', async (_, bytes) => {
    for (const chunkBytes of [1, 10, 1000]) {
      await expect(readAll(form(field('ok', 'ok'), bytes), { chunkBytes })).rejects.toMatchObject({
        code: 'malformed-form',
      })
    }
  })

  it('among good ones spoils nothing before it', async () => {
    const parts = read(form(field('ok', 'ok'), part(['X: y'], 'x')))
    await expect(parts.next()).resolves.toMatchObject({ value: { name: 'ok' } })
    await expect(parts.next()).rejects.toMatchObject({ code: 'malformed-form' })
  })
})

describe('limits', () => {
  it('of parts and fields are inclusive', async () => {
    const bytes = form(field('a', ''), file('b', ''), field('c', ''))
    expect(await readAll(bytes, { maxParts: 3, maxFields: 2 })).toHaveLength(3)
    await expect(readAll(bytes, { maxParts: 2 })).rejects.toMatchObject({ code: 'too-many-parts' })
    await expect(readAll(bytes, { maxFields: 1 })).rejects.toMatchObject({ code: 'too-many-parts' })
  })

  it('of a field are inclusive and kept while reading', async () => {
    for (const chunkBytes of [1, 1000]) {
      expect(await readAll(form(field('a', 'x'.repeat(50))), { chunkBytes, maxFieldBytes: 50 })).toHaveLength(1)
      await expect(readAll(form(field('a', 'x'.repeat(51))), { chunkBytes, maxFieldBytes: 50 })).rejects.toMatchObject({
        code: 'too-large',
      })
    }
    const request = source(form(field('a', 'x'.repeat(100_000))), 100)
    await expect(readAll(request, { maxFieldBytes: 1000 })).rejects.toMatchObject({ code: 'too-large' })
    expect(request.pulls()).toBeLessThan(20)
  })

  it('of headers hold in one chunk and in many, and cut nothing silently', async () => {
    for (let length = 10; length < 4000; length += 97) {
      const bytes = form(file(`${'n'.repeat(length)}.jpg`, 'x'))
      for (const chunkBytes of [50, bytes.length]) {
        const seen = await readAll(bytes, { chunkBytes, maxHeaderBytes: 1000 }).catch((error: unknown) => error)
        if (length < 800) expect(seen).toMatchObject([{ fileName: `${'n'.repeat(length)}.jpg` }])
        if (length > 950) expect(seen).toMatchObject({ code: 'too-large' })
      }
    }
  })

  it('of headers hold for headers that never end', async () => {
    const request = source(form(part([`X: ${'x'.repeat(1_000_000)}`], '')), 1000)
    await expect(readAll(request, { maxHeaderBytes: 5000 })).rejects.toMatchObject({ code: 'too-large' })
    expect(request.pulls()).toBeLessThan(10)
  })

  it('of headers hold for folded lines', async () => {
    const folds = Array.from({ length: 2000 }, () => ' ')
    const disposition = 'Content-Disposition: form-data; name="a"; filename="b'
    const bytes = form(part([disposition, ...folds, 'c"'], ''))
    await expect(readAll(bytes, { maxHeaderBytes: 1000 })).rejects.toMatchObject({ code: 'too-large' })
  })
})

it('answers anything with parts or one of its errors', async () => {
  const mutation = fc.record({ at: fc.nat(small.length), remove: fc.nat(20), insert: fc.uint8Array({ maxLength: 10 }) })
  await fc.assert(
    fc.asyncProperty(
      fc.array(mutation, { maxLength: 6 }),
      fc.integer({ min: 1, max: 400 }),
      async (mutations, size) => {
        const bytes = [...small]
        for (const { at, remove, insert } of mutations) bytes.splice(at, remove, ...insert)
        const request = source(Uint8Array.from(bytes), size)
        try {
          await readAll(request)
        } catch (error) {
          expect(error).toBeInstanceOf(CodedError)
        }
        expect(request.stream.locked).toBe(false)
      },
    ),
    { numRuns: 1000 },
  )
})
