import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { pattern } from '../../contract/object-store/harness.ts'
import { pulledBody, slices, streamed } from '../bodies.ts'
import { countCalls } from '../counted-store.ts'
import { createService, type RequestOptions } from '../memory-service.ts'
import { expectProblem } from '../problems.ts'

interface Receipt {
  readonly key: string
  readonly size: number
  readonly etag: string
  readonly crc32: string
  readonly sha256: string
  readonly contentType: string
}

const MiB = 2 ** 20
const sha256 = (body: string | Uint8Array, encoding: 'hex' | 'base64') =>
  createHash('sha256').update(body).digest(encoding)
const put = (body: string, headers: Record<string, string> = {}): RequestOptions => ({ method: 'PUT', body, headers })
const path = '/v1/objects/files/a.txt'
const key = 'files/a.txt'

describe('PUT /v1/objects/{key}', () => {
  it('creates, and says what it stored', async () => {
    const service = createService()
    const answer = await service.request(path, put('hello', { 'content-type': 'text/plain' }))
    expect(answer.status).toBe(201)
    const receipt = (await answer.json()) as Receipt
    expect(receipt).toEqual({
      key,
      size: 5,
      etag: expect.any(String),
      crc32: '3610a686',
      sha256: sha256('hello', 'hex'),
      contentType: 'text/plain',
    })
    expect(answer.headers.get('etag')).toBe(`"${receipt.etag}"`)
    expect(await service.text(key)).toBe('hello')
  })

  it('answers 200 when it replaces, and replaces whatever often it is sent', async () => {
    const service = createService()
    await service.request(path, put('hello'))
    for (const body of ['again', 'again']) {
      const answer = await service.request(path, put(body))
      expect(answer.status).toBe(200)
      expect(await service.text(key)).toBe(body)
    }
  })

  it('stores no bytes as an object of no bytes', async () => {
    const service = createService()
    const answer = await service.request(path, put(''))
    expect(answer.status).toBe(201)
    expect(await answer.json()).toMatchObject({
      size: 0,
      crc32: '00000000',
      sha256: sha256('', 'hex'),
      contentType: expect.any(String),
    })
  })

  it.each(['Content-Digest', 'Repr-Digest'])('takes a right %s', async (header) => {
    const service = createService()
    const answer = await service.request(path, put('hello', { [header]: `sha-256=:${sha256('hello', 'base64')}:` }))
    expect(answer.status).toBe(201)
  })

  it('believes the sha-256 among several digests and ignores the rest', async () => {
    const service = createService()
    const digest = (body: string) => `md5=:AAAA:, sha-256=:${sha256(body, 'base64')}:`
    expect((await service.request(path, put('hello', { 'Content-Digest': digest('hello') }))).status).toBe(201)
    await expectProblem(
      await service.request(path, put('hello', { 'Content-Digest': digest('other') })),
      400,
      'digest-mismatch',
    )
  })

  it('stores nothing when the digest is another', async () => {
    const service = createService()
    const wrong = put('hello', { 'Content-Digest': `sha-256=:${sha256('hellO', 'base64')}:` })
    await expectProblem(await service.request(path, wrong), 400, 'digest-mismatch')
    expect(await service.keys()).toEqual([])
  })

  it('keeps the old object when the digest of the new one is another', async () => {
    const service = createService()
    await service.request(path, put('old'))
    const wrong = put('new', { 'Repr-Digest': `sha-256=:${sha256('x', 'base64')}:` })
    await expectProblem(await service.request(path, wrong), 400, 'digest-mismatch')
    expect(await service.text(key)).toBe('old')
  })

  it.each([
    ['sha-256=:AAAA:', 'too short'],
    ['sha-256=:===:', 'not base64'],
    [`sha-256=${sha256('hello', 'base64')}`, 'without colons'],
    [`SHA-256=:${sha256('hello', 'base64')}:`, 'in upper case'],
  ])('refuses the digest %s (%s)', async (digest) => {
    const service = createService()
    await expectProblem(await service.request(path, put('hello', { 'Content-Digest': digest })), 400, 'invalid-request')
    expect(await service.keys()).toEqual([])
  })

  it('refuses two digests that disagree', async () => {
    const service = createService()
    const headers = {
      'Content-Digest': `sha-256=:${sha256('hello', 'base64')}:`,
      'Repr-Digest': `sha-256=:${sha256('other', 'base64')}:`,
    }
    await expectProblem(await service.request(path, put('hello', headers)), 400, 'invalid-request')
  })

  it('stores under If-None-Match: * only where nothing is', async () => {
    const service = createService()
    expect((await service.request(path, put('first', { 'If-None-Match': '*' }))).status).toBe(201)
    const second = await service.request(path, put('second', { 'If-None-Match': '*' }))
    await expectProblem(second, 412, 'precondition-failed')
    expect(await service.text(key)).toBe('first')
  })

  it('does not read the body of a PUT whose condition fails already', async () => {
    const service = createService()
    await service.request(path, put('first'))
    const failing: Record<string, string>[] = [{ 'If-None-Match': '*' }, { 'If-Match': '"other"' }]
    for (const headers of failing) {
      const body = pulledBody([new Uint8Array(10), new Uint8Array(10)])
      const answer = await service.request(path, { method: 'PUT', body: body.stream, headers })
      await expectProblem(answer, 412, 'precondition-failed')
      expect(body.pulledBytes()).toBe(0)
    }
  })

  it('replaces under If-Match only the version that is named', async () => {
    const service = createService()
    const { etag } = (await (await service.request(path, put('first'))).json()) as Receipt
    expect((await service.request(path, put('second', { 'If-Match': `"${etag}"` }))).status).toBe(200)
    await expectProblem(
      await service.request(path, put('third', { 'If-Match': `"${etag}"` })),
      412,
      'precondition-failed',
    )
    expect(await service.text(key)).toBe('second')
  })

  it('replaces under If-Match: * only what is there', async () => {
    const service = createService()
    await expectProblem(await service.request(path, put('a', { 'If-Match': '*' })), 412, 'precondition-failed')
    await service.request(path, put('a'))
    expect((await service.request(path, put('b', { 'If-Match': '*' }))).status).toBe(200)
  })

  it('takes no weak tag for a version', async () => {
    const service = createService()
    const { etag } = (await (await service.request(path, put('first'))).json()) as Receipt
    await expectProblem(
      await service.request(path, put('second', { 'If-Match': `W/"${etag}"` })),
      412,
      'precondition-failed',
    )
  })

  it.each([
    { 'If-Match': 'no-quotes' },
    { 'If-Match': '"a", "b"' },
    { 'If-None-Match': '"a"' },
    { 'If-Match': '"a"', 'If-None-Match': '*' },
  ])('refuses the conditions %j', async (headers) => {
    const service = createService()
    const answer = await service.request(path, put('x', headers as Record<string, string>))
    await expectProblem(answer, 400, 'invalid-request')
    expect(await service.keys()).toEqual([])
  })

  it('decides between racing creations: one wins', async () => {
    const service = createService()
    const racers = ['a', 'b', 'c', 'd'].map((body) => service.request(path, put(body, { 'If-None-Match': '*' })))
    const statuses = (await Promise.all(racers)).map(({ status }) => status).sort()
    expect(statuses).toEqual([201, 412, 412, 412])
  })

  it('refuses what is larger than the limit, announced or not, and stores nothing of it', async () => {
    const service = createService({ env: { MAX_UPLOAD_BYTES: '10' } })
    const announced = await service.request(path, put('12345678901', { 'content-length': '11' }))
    await expectProblem(announced, 413, 'too-large')
    const unannounced = await service.request(path, { method: 'PUT', body: streamed([new Uint8Array(11)]) })
    await expectProblem(unannounced, 413, 'too-large')
    expect((await service.request(path, put('1234567890'))).status).toBe(201)
  })

  it.each(['4', '6'])('stores nothing of five bytes that were announced as %s', async (length) => {
    const service = createService()
    const answer = await service.request(path, {
      method: 'PUT',
      body: streamed([new TextEncoder().encode('hello')]),
      headers: { 'content-length': length },
    })
    await expectProblem(answer, 400, 'body-incomplete')
    expect(await service.keys()).toEqual([])
  })

  it('stores nothing of a body that breaks off', async () => {
    const service = createService()
    const body = streamed(
      (async function* () {
        yield new Uint8Array(9 * MiB)
        throw new Error('the client left')
      })(),
    )
    expect((await service.request(path, { method: 'PUT', body })).status).toBeGreaterThanOrEqual(400)
    expect(await service.keys()).toEqual([])
  })

  it('computes the checksums of a body of several parts, and an export knows them without reading it', async () => {
    const counted = countCalls()
    const service = createService({ wrap: counted.wrap })
    const bytes = pattern(25 * MiB)
    const digest = sha256(bytes, 'base64')
    const big = '/v1/objects/results/p1/lora/big.safetensors'
    const answer = await service.request(big, {
      method: 'PUT',
      body: streamed(slices(bytes)),
      headers: { 'Content-Digest': `sha-256=:${digest}:` },
    })
    expect(answer.status).toBe(201)
    expect(await answer.json()).toMatchObject({
      size: bytes.byteLength,
      crc32: crc32(bytes).toString(16).padStart(8, '0'),
      sha256: sha256(bytes, 'hex'),
    })
    expect(counted.count('putPart')).toBe(4)
    counted.reset()
    const made = await service.request('/v1/exports', {
      method: 'POST',
      json: { include: [{ process: 'p1' }] },
    })
    expect(made.status).toBe(201)
    expect(counted.count('get', 'results/p1/lora/big.safetensors')).toBe(0)
    const { url } = (await made.json()) as { url: string }
    const zip = new Uint8Array(await (await service.request(new URL(url).pathname)).arrayBuffer())
    // The local header of the only entry carries it, as PKWARE APPNOTE 4.3.7 lays it out.
    expect(new DataView(zip.buffer).getUint32(14, true)).toBe(crc32(bytes))
  }, 30_000)

  it('costs one put and no multipart up to 8 MiB', async () => {
    const counted = countCalls()
    const service = createService({ wrap: counted.wrap })
    await service.request(path, { method: 'PUT', body: pattern(8 * MiB) as Uint8Array<ArrayBuffer> })
    expect(counted.writes()).toEqual([{ call: 'put', key }])
  })
})

describe('keys', () => {
  it.each([
    'other/a.txt',
    'catalog/dataset/a.json',
    'processes/state/a.json',
    'exports/a.json',
    'records/a.json',
    'uploads/waiting/a',
    'dataset',
    'Files/a.txt',
  ])('outside of the three folders are not found: %s', async (hidden) => {
    const service = createService()
    for (const method of ['PUT', 'GET', 'DELETE']) {
      const body = method === 'PUT' ? { body: 'x' } : {}
      await expectProblem(await service.request(`/v1/objects/${hidden}`, { method, ...body }), 404, 'not-found')
    }
    expect(await service.keys()).toEqual([])
  })

  it('written in Unicode forms C and D are one', async () => {
    const service = createService()
    const [composed, decomposed] = ['é'.normalize('NFC'), 'é'.normalize('NFD')].map(
      (name) => `/v1/objects/files/${encodeURIComponent(name)}.txt`,
    )
    const created = await service.request(`${decomposed}`, put('x'))
    expect(created.status).toBe(201)
    expect(await created.json()).toMatchObject({ key: 'files/\u00e9.txt' })
    expect((await service.request(`${composed}`, put('y'))).status).toBe(200)
    expect(await (await service.request(`${decomposed}`)).text()).toBe('y')
  })

  it.each([
    ['%5C', 'a backslash'],
    ['%00', 'NUL'],
    ['%1B', 'a control character'],
    ['%C2%85', 'a C1 control character'],
    ['%E2%80%AE', 'a bidirectional override'],
    ['%E2%80%8B', 'a zero-width space'],
    ['%EF%BB%BF', 'a byte order mark'],
    ['%2F', 'an encoded slash'],
  ])('with %s (%s) are refused', async (bad) => {
    const service = createService()
    for (const where of [`files/a${bad}b.txt`, `files/${bad}/b.txt`]) {
      const answer = await service.request(`/v1/objects/${where}`, put('x'))
      await expectProblem(answer, 400, 'invalid-key')
    }
    expect(await service.keys()).toEqual([])
  })

  it.each([
    ['%FF', 'a byte that is not UTF-8'],
    ['%C0%AE', 'an overlong dot'],
    ['%ED%A0%80', 'a surrogate'],
    ['%', 'a stray percent sign'],
    ['%zz', 'a malformed escape'],
  ])('with %s (%s) are no keys at all', async (bad) => {
    const service = createService()
    for (const where of [`files/a${bad}b.txt`, `files/${bad}/b.txt`]) {
      const answer = await service.request(`/v1/objects/${where}`, put('x'))
      await expectProblem(answer, 400, 'invalid-request')
    }
    expect(await service.keys()).toEqual([])
  })

  it.each([
    'files//a',
    'files/a/',
    'files/',
    'files/-a',
    'files/~a',
    'files/a.',
    'files/a%20',
    'files/con',
    'files/nul.txt',
  ])('like %s are refused', async (bad) => {
    const service = createService()
    await expectProblem(await service.request(`/v1/objects/${bad}`, put('x')), 400, 'invalid-key')
    expect(await service.keys()).toEqual([])
  })

  it('are decoded once: %2525 stays %25', async () => {
    const service = createService()
    const created = await service.request('/v1/objects/files/100%2525.txt', put('x'))
    expect(await created.json()).toMatchObject({ key: 'files/100%25.txt' })
  })

  it('of 900 bytes are taken, of 901 refused', async () => {
    const service = createService()
    const of = (bytes: number) => {
      const rest = bytes - 'files'.length
      const segments = Array.from({ length: 4 }, (_, i) => 'x'.repeat((i < 3 ? 224 : rest - 3 * 225) - (i < 3 ? 0 : 1)))
      return `files/${segments.join('/')}`
    }
    expect(of(900)).toHaveLength(900)
    expect((await service.request(`/v1/objects/${of(900)}`, put('x'))).status).toBe(201)
    await expectProblem(await service.request(`/v1/objects/${of(901)}`, put('x')), 400, 'invalid-key')
  })
})

describe('DELETE /v1/objects/{key}', () => {
  it('removes, and is fine with nothing to remove', async () => {
    const service = createService()
    await service.request(path, put('x'))
    for (const _ of ['once', 'twice']) {
      const answer = await service.request(path, { method: 'DELETE' })
      expect(answer.status).toBe(204)
      expect(await answer.text()).toBe('')
    }
    expect(await service.keys()).toEqual([])
  })

  it('removes under If-Match only the version that is named', async () => {
    const service = createService()
    const { etag } = (await (await service.request(path, put('x'))).json()) as Receipt
    const remove = (tag: string) => service.request(path, { method: 'DELETE', headers: { 'If-Match': tag } })
    await expectProblem(await remove('"other"'), 412, 'precondition-failed')
    await expectProblem(await remove(`W/"${etag}"`), 412, 'precondition-failed')
    expect(await service.text(key)).toBe('x')
    expect((await remove(`"${etag}"`)).status).toBe(204)
    await expectProblem(await remove(`"${etag}"`), 412, 'precondition-failed')
  })

  it('removes under If-Match: * only what is there', async () => {
    const service = createService()
    const remove = () => service.request(path, { method: 'DELETE', headers: { 'If-Match': '*' } })
    await expectProblem(await remove(), 412, 'precondition-failed')
    await service.request(path, put('x'))
    expect((await remove()).status).toBe(204)
  })
})
