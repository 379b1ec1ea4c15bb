import { unzipSync } from 'fflate'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { parseObjectKey } from '../../../src/ports/object-key.ts'
import type { ObjectStore } from '../../../src/ports/object-store.ts'
import { expectSameBytes } from '../../contract/object-store/harness.ts'
import { createService, type Service, type ServiceOptions, startedAtMs, unending } from '../memory-service.ts'
import { expectProblem } from '../problems.ts'

interface ExportJson {
  readonly id: string
  readonly name: string
  readonly url: string
  readonly files: number
  readonly bytes: number
  readonly etag: string
  readonly expiresAt: string
  readonly entries: readonly EntryJson[]
  readonly missing?: readonly string[]
  readonly empty?: readonly unknown[]
}

interface EntryJson {
  readonly name: string
  readonly key: string
  readonly size: number
  readonly crc32: string | null
  readonly sha256: string | null
  readonly url: string
  readonly via: string
}

const encoder = new TextEncoder()

async function store(service: Service, files: Record<string, string>) {
  for (const [key, body] of Object.entries(files)) {
    const options = { contentType: 'text/plain', when: 'always', signal: unending } as const
    await service.store.put(parseObjectKey(key), encoder.encode(body), options)
  }
}

const files = {
  'dataset/matt/a.jpg': 'jpeg',
  'dataset/matt/a.txt': 'caption',
  'files/x.bin': 'x',
  'results/p1/images/2.png': 'image',
  'results/p1/lora/m.safetensors': 'weights',
  'results/p1/samples/1.png': 'sample',
}

async function serviceWithFiles(options: ServiceOptions = {}) {
  const service = createService(options)
  await store(service, files)
  return service
}

const create = (service: Service, json: Record<string, unknown>, headers: Record<string, string> = {}) =>
  service.request('/v1/exports', { method: 'POST', json, headers })

async function created(service: Service, json: Record<string, unknown>, headers: Record<string, string> = {}) {
  const answer = await create(service, json, headers)
  expect(answer.status).toBe(201)
  const made = (await answer.json()) as ExportJson
  expect(answer.headers.get('location')).toBe(`/v1/exports/${made.id}`)
  return { ...made, path: new URL(made.url).pathname }
}

const bytesOf = async (answer: Response) => new Uint8Array(await answer.arrayBuffer())

describe('POST /v1/exports', () => {
  it('freezes a selection and says all about its zip beforehand', async () => {
    const service = await serviceWithFiles()
    const made = await created(service, { include: [{ dataset: 'matt' }], expiresInSeconds: 600 })
    expect(made).toMatchObject({
      name: 'matt',
      files: 2,
      expiresAt: new Date(startedAtMs + 600_000).toISOString(),
      entries: [
        { name: 'matt/a.jpg', key: 'dataset/matt/a.jpg', size: 4 },
        { name: 'matt/a.txt', key: 'dataset/matt/a.txt', size: 7 },
      ],
    })
    const zip = await service.request(made.path)
    expect(zip.status).toBe(200)
    expect(Object.fromEntries(zip.headers)).toMatchObject({
      'content-type': 'application/zip',
      'content-length': `${made.bytes}`,
      'accept-ranges': 'bytes',
      etag: `"${made.etag}"`,
      'content-disposition': `attachment; filename="matt.zip"; filename*=UTF-8''matt.zip`,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    })
    const bytes = await bytesOf(zip)
    expect(bytes.byteLength).toBe(made.bytes)
    const unpacked = Object.entries(unzipSync(bytes)).map(([name, body]) => [name, new TextDecoder().decode(body)])
    expect(unpacked).toEqual([
      ['matt/a.jpg', 'jpeg'],
      ['matt/a.txt', 'caption'],
    ])
  })

  it.each([
    [[{ process: 'p1' }], ['p1/lora/m.safetensors', 'p1/samples/1.png', 'p1/images/2.png']],
    [[{ process: 'p1', kinds: ['images'] }], ['p1/images/2.png']],
    [[{ prefix: 'results/p1/l' }], ['p1/lora/m.safetensors']],
    [[{ prefix: 'dataset/' }], ['matt/a.jpg', 'matt/a.txt']],
    [
      [{ key: 'files/x.bin' }, { dataset: 'matt' }],
      ['x.bin', 'matt/a.jpg', 'matt/a.txt'],
    ],
    [
      [{ dataset: 'matt' }, { key: 'dataset/matt/a.jpg' }],
      ['matt/a.jpg', 'matt/a.txt'],
    ],
  ])('takes %j', async (include, names) => {
    const { entries } = await created(await serviceWithFiles(), { include })
    expect(entries.map(({ name }) => name)).toEqual(names)
  })

  it('lists the keys that are missing, and exports the rest', async () => {
    const made = await created(await serviceWithFiles(), { include: [{ key: 'files/x.bin' }, { key: 'files/none' }] })
    expect(made).toMatchObject({ files: 1, missing: ['files/none'] })
  })

  it.each([[{ dataset: 'none' }], [{ key: 'files/none' }], [{ process: 'p2' }], [{ prefix: 'files/none/' }]])(
    'is refused when nothing is there: %j',
    async (one) => {
      await expectProblem(await create(await serviceWithFiles(), { include: [one] }), 422, 'export-empty')
    },
  )

  it('tells what was named and held nothing, now and later', async () => {
    const service = await serviceWithFiles()
    const include = [
      { dataset: 'none' },
      { process: 'p1', kinds: ['lora', 'lora'] },
      { process: 'p2' },
      { prefix: 'files/no' },
      { key: 'files/no' },
    ]
    const headers = { 'Idempotency-Key': 'once' }
    const { path: _, ...made } = await created(service, { include }, headers)
    expect(made).toMatchObject({
      files: 1,
      missing: ['files/no'],
      empty: [{ dataset: 'none' }, { process: 'p2', kinds: ['lora', 'samples', 'images'] }, { prefix: 'files/no' }],
    })
    const other = createService({ store: service.store })
    const { path: __, ...again } = await created(other, { include }, headers)
    expect(again).toEqual(made)
    const { entries, ...about } = made
    expect(await (await other.request(`/v1/exports/${made.id}`)).json()).toMatchObject(about)
  })

  it('is refused when it has more files or bytes than the limits', async () => {
    const include = [{ prefix: 'results/' }]
    const few = await serviceWithFiles({ env: { MAX_EXPORT_ENTRIES: '2' } })
    await expectProblem(await create(few, { include }), 413, 'export-too-large')
    const { bytes } = await created(await serviceWithFiles(), { include })
    const small = await serviceWithFiles({ env: { MAX_EXPORT_BYTES: `${bytes - 1}` } })
    await expectProblem(await create(small, { include }), 413, 'export-too-large')
    const enough = await serviceWithFiles({ env: { MAX_EXPORT_BYTES: `${bytes}`, MAX_EXPORT_ENTRIES: '3' } })
    expect((await created(enough, { include })).bytes).toBe(bytes)
  })

  it('never takes our own bookkeeping', async () => {
    const service = await serviceWithFiles()
    for (const one of [{ prefix: 'catalog/' }, { prefix: 'd' }, { prefix: 'dataset' }, { key: 'exports/x.json' }]) {
      const problem = await expectProblem(await create(service, { include: [one] }), 400, 'invalid-request')
      expect(problem.errors?.[0]?.path).toBe('include.0')
    }
  })

  it.each([
    { include: [] },
    {},
    { include: [{}] },
    { include: [{ dataset: 'a', key: 'b' }] },
    { include: [{ dataset: '../x' }] },
    { include: [{ process: 'a/b' }] },
    { include: [{ process: 'p1', kinds: [] }] },
    { include: [{ process: 'p1', kinds: ['state'] }] },
    { include: [{ dataset: 'matt' }], name: '../x' },
    { include: [{ dataset: 'matt' }], name: 'a\r\nb' },
    { include: [{ dataset: 'matt' }], expiresInSeconds: 86_401 },
  ])('is refused for %j', async (json) => {
    const problem = await expectProblem(await create(await serviceWithFiles(), json), 400, 'invalid-request')
    expect(problem.errors).not.toHaveLength(0)
  })

  it('answers a repetition with the first result, whatever has changed since', async () => {
    const service = await serviceWithFiles()
    const key = { 'Idempotency-Key': 'again' }
    const include = [{ dataset: 'matt' }]
    const first = await created(service, { include }, key)
    service.clock.advance(5_000)
    await store(service, { 'dataset/matt/b.jpg': 'more' })
    expect(await created(service, { include }, key)).toEqual(first)
    const other = await created(service, { include }, { 'Idempotency-Key': 'another' })
    expect(other).toMatchObject({ files: 3 })
    expect(other.id).not.toBe(first.id)
    expect(await service.keys('exports/')).toHaveLength(2)
  })

  it.each(['', 'a b', 'x'.repeat(129), 'é'])('refuses the Idempotency-Key %j', async (key) => {
    const answer = await create(
      await serviceWithFiles(),
      { include: [{ dataset: 'matt' }] },
      { 'Idempotency-Key': key },
    )
    await expectProblem(answer, 400, 'invalid-request')
  })
})

/** Replaces one caption, when told to, in the moment in which it is asked for. */
function replacedWhileOpened(memory: ObjectStore, changing: () => boolean): ObjectStore {
  return {
    ...memory,
    async get(key, options) {
      if (changing() && key === 'dataset/matt/a.txt') {
        await memory.put(key, encoder.encode('CAPTION'), { contentType: 'a/b', when: 'always', signal: unending })
      }
      return await memory.get(key, options)
    },
  }
}

/** Notes every call that reads. */
function counting(memory: ObjectStore, calls: string[]): ObjectStore {
  const noted = <Result>(call: string, result: Result) => {
    calls.push(call)
    return result
  }
  return {
    ...memory,
    get: (key, options) => noted(`get ${key}`, memory.get(key, options)),
    head: (key, options) => noted(`head ${key}`, memory.head(key, options)),
    list: (options) => noted(`list ${options.prefix}`, memory.list(options)),
  }
}

describe('the zip of an export', () => {
  async function madeExport(options: ServiceOptions = {}) {
    const service = await serviceWithFiles(options)
    return { service, ...(await created(service, { include: [{ prefix: 'results/' }, { dataset: 'matt' }] })) }
  }

  it('has the same bytes every time, from every instance', async () => {
    const { service, path } = await madeExport()
    const whole = await bytesOf(await service.request(path))
    service.clock.advance(60_000)
    expectSameBytes(await bytesOf(await service.request(path)), whole)
    const other = createService({ store: service.store })
    expectSameBytes(await bytesOf(await other.request(path)), whole)
  })

  it('says in HEAD exactly what GET sends', async () => {
    const { service, path, bytes } = await madeExport()
    const head = await service.request(path, { method: 'HEAD' })
    const get = await service.request(path)
    expect([head.status, await head.text()]).toEqual([200, ''])
    const withoutId = (answer: Response) => [...answer.headers].filter(([name]) => name !== 'x-request-id')
    expect(withoutId(head)).toEqual(withoutId(get))
    expect(Number(head.headers.get('content-length'))).toBe(bytes)
    expect((await bytesOf(get)).byteLength).toBe(bytes)
  })

  it('can be had in ranges that join to the whole', async () => {
    const { service, path, bytes } = await madeExport()
    const whole = await bytesOf(await service.request(path))
    for (const size of [1, 37, 100, bytes]) {
      const pieces: Uint8Array[] = []
      for (let from = 0; from < bytes; from += size) {
        const answer = await service.request(path, { headers: { Range: `bytes=${from}-${from + size - 1}` } })
        expect(answer.status).toBe(206)
        const to = Math.min(from + size, bytes) - 1
        expect(answer.headers.get('content-range')).toBe(`bytes ${from}-${to}/${bytes}`)
        pieces.push(await bytesOf(answer))
      }
      expectSameBytes(Buffer.concat(pieces), whole)
    }
    const tail = await service.request(path, { headers: { Range: 'bytes=-22' } })
    expectSameBytes(await bytesOf(tail), whole.subarray(-22))
  }, 30_000)

  it('heeds If-Range, If-None-Match and ranges behind the end', async () => {
    const { service, path, etag, bytes } = await madeExport()
    const status = async (headers: Record<string, string>) => (await service.request(path, { headers })).status
    expect(await status({ Range: 'bytes=0-9', 'If-Range': `"${etag}"` })).toBe(206)
    expect(await status({ Range: 'bytes=0-9', 'If-Range': '"other"' })).toBe(200)
    expect(await status({ Range: 'bytes=0-9', 'If-Range': `W/"${etag}"` })).toBe(200)
    expect(await status({ 'If-None-Match': `"${etag}"` })).toBe(304)
    const behind = await service.request(path, { headers: { Range: `bytes=${bytes}-` } })
    expect(behind.headers.get('content-range')).toBe(`bytes */${bytes}`)
    await expectProblem(behind, 416, 'range-not-satisfiable')
  })

  it('is stale as soon as an object is replaced, even by the same bytes, or deleted', async () => {
    for (const change of ['replace', 'same', 'delete']) {
      const { service, path, etag } = await madeExport()
      if (change === 'delete') await service.request('/v1/objects/dataset/matt/a.txt', { method: 'DELETE' })
      else await store(service, { 'dataset/matt/a.txt': change === 'same' ? 'caption' : 'other' })
      await expectProblem(await service.request(path), 409, 'export-stale')
      const head = await service.request(path, { method: 'HEAD' })
      expect([head.status, await head.text()]).toEqual([409, ''])
      const unchanged = await service.request(path, { headers: { 'If-None-Match': `"${etag}"` } })
      expect(unchanged.status).toBe(409)
    }
  })

  it('can be had in ranges that no changed object lies in, and in no others', async () => {
    const { service, path, bytes } = await madeExport()
    const whole = await bytesOf(await service.request(path))
    await store(service, { 'dataset/matt/a.jpg': 'JPEG' })
    const localHeaders = [...whole.keys()].filter(
      (at) => Buffer.from(whole).readUInt32BE(Math.min(at, bytes - 4)) === 0x504b0304,
    )
    const begins = localHeaders[3] ?? 0
    const ends = localHeaders[4] ?? 0
    const directory = Buffer.from(whole).readUInt32LE(bytes - 6)
    const ranged = async (from: number, to: number) => {
      const answer = await service.request(path, { headers: { Range: `bytes=${from}-${to - 1}` } })
      if (answer.status === 206) expectSameBytes(await bytesOf(answer), whole.subarray(from, to))
      return answer.status
    }
    expect(await ranged(0, begins)).toBe(206)
    expect(await ranged(begins - 1, begins + 1)).toBe(409)
    expect(await ranged(ends - 1, ends + 1)).toBe(409)
    expect(await ranged(ends, directory)).toBe(206)
    // The directory says the checksum of an object that is gone, and that nobody had to ask for.
    expect(await ranged(directory, bytes)).toBe(409)
    expect(await ranged(bytes - 22, bytes)).toBe(206)
    expect(await ranged(0, bytes)).toBe(409)
  })

  it('asks for few things of the store when it is read in ranges', async () => {
    const calls: string[] = []
    const service = createService({ wrap: (memory) => counting(memory, calls) })
    await store(service, Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`files/${i}.txt`, `body ${i}`])))
    const { path, bytes } = await created(service, { include: [{ prefix: 'files/' }] })
    await bytesOf(await service.request(path))
    calls.length = 0
    const from = Math.floor(bytes / 3)
    const answer = await service.request(path, { headers: { Range: `bytes=${from}-${from + 9}` } })
    expect(answer.status).toBe(206)
    await answer.arrayBuffer()
    expect(calls.filter((call) => call.includes('exports/'))).toEqual([expect.stringMatching(/^head exports/)])
    expect(calls.length).toBeLessThanOrEqual(4)
  })

  it('reads its manifest once on an instance, whoever asks for ranges at the same time', async () => {
    const { service, path, id, bytes } = await madeExport()
    const calls: string[] = []
    const other = createService({ store: counting(service.store, calls) })
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, i) => {
        const from = Math.floor((bytes * i) / 8)
        return other.request(path, { headers: { Range: `bytes=${from}-${from + 3}` } })
      }),
    )
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 206))
    expect(calls.filter((call) => call.startsWith('get exports/'))).toHaveLength(1)
    expect(calls.filter((call) => call.startsWith('head exports/'))).toHaveLength(8)
    await service.request(`/v1/exports/${id}`, { method: 'DELETE' })
    await expectProblem(await other.request(path), 404, 'not-found')
  })

  it('says when the last of its files was written', async () => {
    const service = createService()
    await store(service, { 'files/a': 'a' })
    service.clock.advance(90_000)
    await store(service, { 'files/b': 'b' })
    service.clock.advance(90_000)
    const { path } = await created(service, { include: [{ key: 'files/b' }, { key: 'files/a' }] })
    const answer = await service.request(path)
    expect(answer.headers.get('last-modified')).toBe(new Date(startedAtMs + 90_000).toUTCString())
    await answer.arrayBuffer()
  })

  it('heeds If-Match, and answers several ranges and other units with the whole', async () => {
    const { service, path, etag, bytes } = await madeExport()
    const ask = async (headers: Record<string, string>, method = 'GET') => {
      const answer = await service.request(path, { method, headers })
      return [answer.status, (await bytesOf(answer)).byteLength]
    }
    expect(await ask({ 'If-Match': `"${etag}"` })).toEqual([200, bytes])
    expect((await ask({ 'If-Match': '"other"' }))[0]).toBe(412)
    expect(await ask({ Range: 'bytes=0-1,4-5' })).toEqual([200, bytes])
    expect(await ask({ Range: 'lines=0-1' })).toEqual([200, bytes])
    expect(await ask({ Range: 'bytes=5-2' })).toEqual([200, bytes])
    expect(await ask({ Range: `bytes=-${bytes + 5}` })).toEqual([206, bytes])
    expect(await ask({ Range: 'bytes=0-0' })).toEqual([206, 1])
    expect((await ask({ Range: 'bytes=-0' }))[0]).toBe(416)
    expect(await ask({ Range: 'bytes=0-9' }, 'HEAD')).toEqual([206, 0])
  })

  it('is called as its export, in letters of any script', async () => {
    const service = await serviceWithFiles()
    const { path } = await created(service, { name: 'Żółw "猫"', include: [{ dataset: 'matt' }] })
    const head = await service.request(path, { method: 'HEAD' })
    expect(head.headers.get('content-disposition')).toBe(
      `attachment; filename="Zo\u0142w ___.zip"; filename*=UTF-8''%C5%BB%C3%B3%C5%82w%20%22%E7%8C%AB%22.zip`.replace(
        '\u0142',
        '_',
      ),
    )
  })

  it('is stale, and not a broken body, when an object changes before the first bytes are sent', async () => {
    let changing = false
    const { service, path } = await madeExport({ wrap: (memory) => replacedWhileOpened(memory, () => changing) })
    changing = true
    await expectProblem(await service.request(path), 409, 'export-stale')
  })

  describe('of which an object changes while it is being sent', () => {
    let changing = false
    async function sending() {
      changing = false
      const service = await serviceWithFiles({ wrap: (memory) => replacedWhileOpened(memory, () => changing) })
      // Large enough that its bytes are on their way long before the object behind it is opened.
      await store(service, { 'results/run/lora/large.safetensors': 'x'.repeat(20 * 2 ** 20) })
      const made = await created(service, { include: [{ prefix: 'results/' }, { dataset: 'matt' }] })
      changing = true
      return { service, ...made }
    }

    it('breaks off, and is stale from then on', async () => {
      const { service, path } = await sending()
      const answer = await service.request(path)
      expect(answer.status).toBe(200)
      await expect(answer.arrayBuffer()).rejects.toThrow(/changed/)
      expect(service.logLines.some((line) => line.includes('response-broken'))).toBe(true)
      await expectProblem(await service.request(path), 409, 'export-stale')
    })

    it('resets the connection over a socket, where nothing looks complete and nothing else is printed', async () => {
      const { service, path, bytes } = await sending()
      const port = await service.listen()
      const printed = vi.spyOn(console, 'error').mockReturnValue(undefined)
      onTestFinished(() => printed.mockRestore())
      const answer = await fetch(`http://127.0.0.1:${port}${path}`)
      expect(answer.headers.get('content-length')).toBe(`${bytes}`)
      await expect(answer.arrayBuffer()).rejects.toThrow()
      expect(printed).not.toHaveBeenCalled()
    })
  })

  it('is gone with its export; the objects stay', async () => {
    const { service, path, id } = await madeExport()
    for (const _ of ['once', 'twice']) {
      expect((await service.request(`/v1/exports/${id}`, { method: 'DELETE' })).status).toBe(204)
    }
    await expectProblem(await service.request(path), 404, 'not-found')
    await expectProblem(await service.request(`/v1/exports/${id}`), 404, 'not-found')
    expect(await service.keys('exports/')).toEqual([])
    expect((await service.keys()).filter((key) => !key.startsWith('records/'))).toEqual(Object.keys(files))
  })

  it('is refused when it has expired, link and export alike', async () => {
    const service = await serviceWithFiles()
    const { path, id } = await created(service, { include: [{ dataset: 'matt' }], expiresInSeconds: 60 })
    service.clock.advance(60_000)
    await expectProblem(await service.request(path), 403, 'link-expired')
    await expectProblem(await service.request(`/v1/exports/${id}`), 404, 'not-found')
  })

  it('is the only thing that its link opens', async () => {
    const { service, path, id } = await madeExport()
    const [, , , token = ''] = path.split('/')
    const [fields, mac] = token.split('.')
    const bytes = Buffer.from(`${fields}`, 'base64url').toString('latin1')
    // The same link, said to be of an object: its first length-prefixed fields are changed and nothing else.
    const forged = bytes
      .replace('\x00\x06export', '\x00\x06object')
      .replace(id, 'dataset/matt/a.txt'.padEnd(id.length, 'x'))
    const repurposed = `${Buffer.from(forged, 'latin1').toString('base64url')}.${mac}`
    expect(repurposed).not.toBe(token)
    await expectProblem(await service.request(path.replace(token, repurposed)), 403, 'link-invalid')
  })
})

describe('GET /v1/exports/{id}', () => {
  it('tells again what was told at its making', async () => {
    const service = await serviceWithFiles()
    const { path: _, ...made } = await created(service, { include: [{ dataset: 'matt' }] })
    const { entries, ...again } = (await (await service.request(`/v1/exports/${made.id}`)).json()) as typeof made
    expect({ ...again, entries: entries.map((entry) => ({ ...entry, crc32: null, sha256: null })) }).toEqual(made)
  })

  it.each(['none', 'a%2Fb', '..%2f', '%2e%2e', 'a%5cb', 'con'])('finds nothing under %s', async (id) => {
    const answer = await createService().request(`/v1/exports/${id}`)
    expect([400, 404]).toContain(answer.status)
  })
})
