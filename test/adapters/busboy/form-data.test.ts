import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { boundary, bytesOf, contentType, field, file, form, part, read, readAll } from './forms.ts'

describe('parts', () => {
  const jpeg = Uint8Array.from({ length: 600 }, (_, i) => i)
  const whole = form(
    field('triggerWord', 'ohwx łódź 日本'),
    file('Zdjęcie łódź 日本 11.jpg', jpeg),
    file('', '', 'application/octet-stream'),
    field('mode', ''),
    file('a.txt', 'text', 'text/plain'),
  )

  it('come as Chromium sends them, in any chunks', async () => {
    for (let chunkBytes = 1; chunkBytes <= whole.length; chunkBytes += chunkBytes < 200 ? 1 : 53) {
      expect(await readAll(whole, { chunkBytes })).toEqual([
        { name: 'triggerWord', value: 'ohwx łódź 日本' },
        {
          name: 'files',
          fileName: 'Zdjęcie łódź 日本 11.jpg',
          contentType: 'image/jpeg',
          value: Buffer.from(jpeg).toString('latin1'),
        },
        { name: 'files', fileName: '', contentType: 'application/octet-stream', value: '' },
        { name: 'mode', value: '' },
        { name: 'files', fileName: 'a.txt', contentType: 'text/plain', value: 'text' },
      ])
    }
  })

  it('come as another serializer writes them', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.string({ unit: 'grapheme', minLength: 1 }), fc.uint8Array({ maxLength: 2000 })), {
          maxLength: 4,
        }),
        fc.integer({ min: 1, max: 300 }),
        async (files, chunkBytes) => {
          const data = new FormData()
          data.append('triggerWord', 'ohwx')
          for (const [name, body] of files) data.append('files', new File([body], name, { type: 'image/png' }))
          const response = new Response(data)
          const type = response.headers.get('content-type') ?? ''
          const seen = await readAll(new Uint8Array(await response.arrayBuffer()), { type, chunkBytes })
          expect(seen).toEqual([
            { name: 'triggerWord', value: 'ohwx' },
            ...files.map(([fileName, body]) => ({
              name: 'files',
              fileName,
              contentType: 'image/png',
              value: Buffer.from(body).toString('latin1'),
            })),
          ])
        },
      ),
    )
  })

  it('are told apart by the file name alone', async () => {
    const untyped = 'Content-Disposition: form-data; name="a"'
    expect(await readAll(form(part([untyped, 'Content-Type: application/octet-stream'], 'x')))).toEqual([
      { name: 'a', value: 'x' },
    ])
    expect(await readAll(form(part([`${untyped}; filename="b"`], 'x')))).toMatchObject([
      { fileName: 'b', contentType: 'application/octet-stream' },
    ])
  })

  it('may be none, or ten thousand', async () => {
    expect(await readAll(form())).toEqual([])
    const many = form(...Array.from({ length: 10_000 }, (_, i) => file(`${i}.txt`, `caption ${i}`)))
    const seen = await readAll(many, { chunkBytes: 64 * 1024 })
    expect(seen).toHaveLength(10_000)
    expect(seen.at(-1)).toMatchObject({ fileName: '9999.txt', value: 'caption 9999' })
  })

  it('may stand between a preamble and an epilogue, and the last boundary may end the body', async () => {
    const between = Buffer.concat([
      Buffer.from('hello\r\n'),
      form(field('a', 'b')),
      Buffer.from(`--${boundary}\r\nbye`),
    ])
    for (const chunkBytes of [1, 1000])
      expect(await readAll(between, { chunkBytes })).toEqual([{ name: 'a', value: 'b' }])
    const tight = form(file('a.jpg', 'x')).subarray(0, -2)
    for (const chunkBytes of [1, 1000]) expect(await readAll(tight, { chunkBytes })).toHaveLength(1)
  })
})

describe('bodies', () => {
  // Senders choose a boundary that is at the beginning of no line; everywhere else it may be in the data.
  const tricky = [
    ...['', '\r', '\n', '\r\n', '\r\n\r\n', '-', '--', '\r\n-', '\r\n--', '\r\r\n--'],
    ...[`x--${boundary}`, `x--${boundary}--`, `x\n--${boundary}`, `\r--${boundary}`],
    `\r\n--${boundary.slice(0, -1)}`,
    `\r\n--${boundary.slice(0, -1)}!\r\n`,
    `\r\n${boundary}\r\n`,
    `\r\n-\r\n--\r\n--${boundary.slice(0, 9)}\r\n--`,
  ]

  it.each(tricky.map((body) => [body]))('may be %j', async (body) => {
    for (const [value, bytes] of [body, `x${body}`, `${body}x`, body + body].map(
      (text) => [text, form(file('a', text))] as const,
    )) {
      for (const chunkBytes of [1, 2, 3, 5, 7, 64, bytes.length]) {
        expect(await readAll(bytes, { chunkBytes })).toMatchObject([{ value }])
      }
    }
  })

  it('are unchanged in any chunks, also when they are kept while more is read', async () => {
    const piece = fc.constantFrom('\r', '\n', '-', '--', '\r\n', '\r\n--', boundary.slice(0, 5), 'x', '\0', '\xff')
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(piece, { maxLength: 60 })),
        fc.integer({ min: 1, max: 90 }),
        async (all, size) => {
          const values = all.map((pieces) => pieces.join(''))
          const bytes = form(...values.map((value) => file('a', Buffer.from(value, 'latin1'))))
          expect((await readAll(bytes, { chunkBytes: size })).map(({ value }) => value)).toEqual(values)
        },
      ),
      { numRuns: 200 },
    )
  })
})

describe('file names', () => {
  const nameOf = async (...headers: string[]) => {
    const [seen] = await readAll(form(part(headers, '')))
    return seen?.fileName
  }
  const disposition = (rest: string) => nameOf(`Content-Disposition: form-data; name="f"; ${rest}`)

  it('round-trip through the escaping of browsers', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary' }), async (given) => {
        const name = given.replaceAll(/%(?:22|0D|0A)/g, '')
        const escaped = name.replaceAll('"', '%22').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
        fc.pre(!escaped.includes('\\\\"'))
        const [seen] = await readAll(form(file(escaped, '')), { chunkBytes: 3 })
        expect(seen?.fileName).toBe(name)
      }),
      {
        examples: [
          ['a%20b%0d.jpg'],
          ['a\\'],
          ['\\'],
          ['a;b="c".jpg'],
          ["naïve ' 日本 🏖.jpg"],
          ['\ufeffa'],
          ['%'],
          [' a '],
        ],
      },
    )
  })

  it('keep their paths, so that they can be refused', async () => {
    expect(await disposition('filename="C:\\x\\a.jpg"')).toBe('C:\\x\\a.jpg')
    expect(await disposition('filename="a/b.jpg"')).toBe('a/b.jpg')
    expect(await disposition('filename="../../etc/passwd"')).toBe('../../etc/passwd')
  })

  it('may be written in the older ways', async () => {
    expect(await disposition('filename="a\\"b.jpg"')).toBe('a"b.jpg')
    expect(await disposition('filename=a.jpg')).toBe('a.jpg')
    expect(await disposition('filename="a.jpg";')).toBe('a.jpg')
    expect(await nameOf('content-disposition:FORM-DATA;NAME=f;FileName="a.jpg"')).toBe('a.jpg')
    expect(await nameOf('Content-Disposition: form-data; name="f\\"; filename="a.jpg"')).toBe('a.jpg')
    expect(await nameOf('Content-Disposition: form-data; filename="a.jpg"; name="f"')).toBe('a.jpg')
    expect(await nameOf('Content-Disposition: form-data; name="f";', ' filename="a.jpg"')).toBe('a.jpg')
  })

  it('in filename* win when they are well formed', async () => {
    const encoded = "filename*=UTF-8''%C5%82%C3%B3d%C5%BA%20%22.jpg"
    expect(await disposition(encoded)).toBe('łódź ".jpg')
    expect(await disposition(`filename="lodz.jpg"; ${encoded}`)).toBe('łódź ".jpg')
    expect(await disposition(`${encoded}; filename="lodz.jpg"`)).toBe('łódź ".jpg')
    expect(await disposition("filename*=iso-8859-1'en'caf%E9%2522.jpg")).toBe('café%22.jpg')
    expect(await disposition("filename*=UTF-8''%zz; filename=a.jpg")).toBe('a.jpg')
    await expect(disposition("filename*=UTF-8''%zz")).rejects.toMatchObject({ code: 'malformed-form' })
    await expect(disposition("filename*=koi8-r''a")).rejects.toMatchObject({ code: 'malformed-form' })
  })

  it('that are not UTF-8 show it', async () => {
    const bytes = Buffer.from(form(file('caf?.jpg', '')))
    bytes[bytes.indexOf('?')] = 0xe9
    expect(await readAll(bytes)).toMatchObject([{ fileName: 'caf\ufffd.jpg' }])
  })
})

describe('content types', () => {
  it('may quote the boundary and name other parameters', async () => {
    for (const type of [
      `multipart/form-data; charset=utf-8; boundary="${boundary}"`,
      `Multipart/Form-Data;BOUNDARY=${boundary}`,
      `${contentType};`,
    ]) {
      expect(await readAll(form(field('a', 'b')), { type })).toHaveLength(1)
    }
    const odd = `a'()+_,-./:=? b`
    const bytes = Buffer.from(form(field('a', 'b')).toString().replaceAll(boundary, odd))
    expect(await readAll(bytes, { type: `multipart/form-data; boundary="${odd}"` })).toHaveLength(1)
  })

  it.each([
    ['multipart/form-data', 'malformed-form'],
    ['multipart/form-data; boundary=', 'malformed-form'],
    ['multipart/form-data; boundary=""', 'malformed-form'],
    ['multipart/form-data; boundary="a "', 'malformed-form'],
    ['multipart/form-data; boundary=ł', 'malformed-form'],
    ['multipart/form-data; boundary=a; boundary=b', 'malformed-form'],
    [`multipart/form-data; boundary=${'a'.repeat(71)}`, 'malformed-form'],
    ['multipart/mixed; boundary=a', 'unsupported-type'],
    ['application/json', 'unsupported-type'],
    ['', 'unsupported-type'],
  ])('%j is refused', async (type, code) => {
    await expect(readAll(form(), { type })).rejects.toMatchObject({ code })
  })

  it('allow a boundary of 70 characters', async () => {
    const long = 'a'.repeat(70)
    const bytes = Buffer.from(form(file('a', 'b')).toString().replaceAll(boundary, long))
    expect(await readAll(bytes, { type: `multipart/form-data; boundary=${long}`, chunkBytes: 9 })).toHaveLength(1)
  })
})

it('gives bodies that can be told from each other', async () => {
  const bodies: string[] = []
  for await (const found of read(form(file('a', '1'), field('f', 'v'), file('b', '2')), { chunkBytes: 4 })) {
    if (found.type === 'file') bodies.push(await bytesOf(found.body))
  }
  expect(bodies).toEqual(['1', '2'])
})
