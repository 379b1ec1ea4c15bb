import { describe, expect, it } from 'vitest'
import { expectSameBytes, pattern } from '../../contract/object-store/harness.ts'
import { createService, type Service, type ServiceOptions } from '../memory-service.ts'
import { expectProblem } from '../problems.ts'

const path = '/v1/objects/files/a.txt'
const body = '0123456789'

async function serviceWithObject(options: ServiceOptions = {}, contentType = 'text/plain') {
  const service = createService(options)
  const put = await service.request(path, { method: 'PUT', body, headers: { 'content-type': contentType } })
  const { etag } = (await put.json()) as { etag: string }
  return { service, etag: `"${etag}"` }
}

const get = (service: Service, headers: Record<string, string> = {}) => service.request(path, { headers })

describe('GET /v1/objects/{key}', () => {
  it('gives the bytes, and all that a client needs to go on later', async () => {
    const { service, etag } = await serviceWithObject()
    const answer = await get(service)
    expect(answer.status).toBe(200)
    expect(await answer.text()).toBe(body)
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'accept-ranges': 'bytes',
      'content-length': '10',
      'content-type': 'text/plain',
      etag,
      'last-modified': 'Sun, 01 Mar 2026 12:00:00 GMT',
    })
    expect(answer.headers.get('content-range')).toBeNull()
  })

  it('is never a page of ours: nothing in it may run, and no type is guessed', async () => {
    const { service } = await serviceWithObject({}, 'text/html')
    const answer = await get(service)
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-disposition': `attachment; filename="a.txt"; filename*=UTF-8''a.txt`,
      'content-security-policy': "sandbox; default-src 'none'",
      'cross-origin-resource-policy': 'same-site',
      'x-content-type-options': 'nosniff',
    })
  })

  it('is saved under its own name, whatever is in it', async () => {
    const { service } = await serviceWithObject()
    const name = `Łódź "a"; b='c'%.txt`
    const where = `/v1/objects/files/${encodeURIComponent(name)}`
    await service.request(where, { method: 'PUT', body })
    const disposition = (await service.request(where)).headers.get('content-disposition') ?? ''
    const [, ascii, exact] =
      /^attachment; filename="([^"]*)"; filename\*=UTF-8''([A-Za-z0-9%._-]*)$/.exec(disposition) ?? []
    expect(decodeURIComponent(`${exact}`)).toBe(name)
    expect(ascii).toMatch(/^[\x20-\x7e]+$/)
  })

  it.each([
    ['bytes=0-0', '0', 'bytes 0-0/10'],
    ['bytes=2-4', '234', 'bytes 2-4/10'],
    ['bytes=7-', '789', 'bytes 7-9/10'],
    ['bytes=7-100', '789', 'bytes 7-9/10'],
    ['bytes=-3', '789', 'bytes 7-9/10'],
    ['bytes=-100', body, 'bytes 0-9/10'],
    ['bytes = 0-1', '01', 'bytes 0-1/10'],
  ])('answers 206 to %s', async (range, expected, contentRange) => {
    const { service, etag } = await serviceWithObject()
    const answer = await get(service, { Range: range })
    expect(answer.status).toBe(206)
    expect(await answer.text()).toBe(expected)
    expect(answer.headers.get('content-range')).toBe(contentRange)
    expect(answer.headers.get('content-length')).toBe(`${expected.length}`)
    expect(answer.headers.get('etag')).toBe(etag)
  })

  it.each(['bytes=0-1,3-4', 'bytes=4-2', 'bytes=a-b', 'bytes=-', 'lines=0-1', 'bytes 0-1', 'bytes=0-1-2'])(
    'ignores the range %s and gives all',
    async (range) => {
      const { service } = await serviceWithObject()
      const answer = await get(service, { Range: range })
      expect(answer.status).toBe(200)
      expect(await answer.text()).toBe(body)
    },
  )

  it.each(['bytes=10-', 'bytes=999-1000', 'bytes=-0'])('answers 416 to %s and says the size', async (range) => {
    const { service } = await serviceWithObject()
    const answer = await get(service, { Range: range })
    expect(answer.headers.get('content-range')).toBe('bytes */10')
    await expectProblem(answer, 416, 'range-not-satisfiable')
  })

  it('answers 200 and no bytes for an object of no bytes, 416 for a range of it', async () => {
    const { service } = await serviceWithObject()
    await service.request('/v1/objects/files/empty', { method: 'PUT', body: '' })
    const whole = await service.request('/v1/objects/files/empty')
    expect(whole.status).toBe(200)
    expect(await whole.text()).toBe('')
    expect(whole.headers.get('content-length')).toBe('0')
    const ranged = await service.request('/v1/objects/files/empty', { headers: { Range: 'bytes=0-' } })
    await expectProblem(ranged, 416, 'range-not-satisfiable')
  })

  it('heeds a range only while If-Range names the very version', async () => {
    const { service, etag } = await serviceWithObject()
    const status = async (ifRange: string) => (await get(service, { Range: 'bytes=0-1', 'If-Range': ifRange })).status
    expect(await status(etag)).toBe(206)
    expect(await status('"other"')).toBe(200)
    expect(await status(`W/${etag}`)).toBe(200)
    expect(await status('Sun, 01 Mar 2026 12:00:00 GMT')).toBe(200)
  })

  it('answers 304, without a body, to whoever has it already', async () => {
    const { service, etag } = await serviceWithObject()
    for (const known of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const answer = await get(service, { 'If-None-Match': known })
      expect(answer.status).toBe(304)
      expect(await answer.text()).toBe('')
      expect(answer.headers.get('etag')).toBe(etag)
    }
    expect((await get(service, { 'If-None-Match': '"other"' })).status).toBe(200)
  })

  it('answers 412 when it is not the version of If-Match', async () => {
    const { service, etag } = await serviceWithObject()
    expect((await get(service, { 'If-Match': etag })).status).toBe(200)
    expect((await get(service, { 'If-Match': '*' })).status).toBe(200)
    await expectProblem(await get(service, { 'If-Match': '"other"' }), 412, 'precondition-failed')
    await expectProblem(await get(service, { 'If-Match': `W/${etag}` }), 412, 'precondition-failed')
  })

  it('answers 404 for what is not there', async () => {
    const { service } = await serviceWithObject()
    await expectProblem(await service.request('/v1/objects/files/none'), 404, 'not-found')
  })

  it('serves the new version when it was replaced while it was being opened', async () => {
    let racing = true
    const { service } = await serviceWithObject({
      wrap: (store) => ({
        ...store,
        async get(key, options) {
          if (racing && key === 'files/a.txt') {
            racing = false
            await store.put(key, new TextEncoder().encode('newer'), {
              contentType: 'text/plain',
              when: 'always',
              signal: options.signal,
            })
          }
          return await store.get(key, options)
        },
      }),
    })
    const answer = await get(service)
    expect(answer.status).toBe(200)
    expect(await answer.text()).toBe('newer')
    expect(answer.headers.get('content-length')).toBe('5')
  })

  it('gives a large object whole, and any range of it', async () => {
    const { service } = await serviceWithObject()
    const bytes = pattern(9 * 2 ** 20)
    const where = '/v1/objects/results/p1/lora/model.safetensors'
    await service.request(where, { method: 'PUT', body: bytes as Uint8Array<ArrayBuffer> })
    const whole = await service.request(where)
    expectSameBytes(new Uint8Array(await whole.arrayBuffer()), bytes)
    const part = await service.request(where, { headers: { Range: 'bytes=8388600-8388615' } })
    expectSameBytes(new Uint8Array(await part.arrayBuffer()), bytes.subarray(8_388_600, 8_388_616))
  })
})

describe('HEAD /v1/objects/{key}', () => {
  it('says what GET would, without the bytes', async () => {
    const { service } = await serviceWithObject()
    for (const headers of [{}, { Range: 'bytes=2-4' }] as Record<string, string>[]) {
      const [head, whole] = await Promise.all([
        service.request(path, { method: 'HEAD', headers }),
        service.request(path, { headers }),
      ])
      expect(head.status).toBe(whole.status)
      expect(await head.text()).toBe('')
      const withoutId = (answer: Response) => [...answer.headers].filter(([name]) => name !== 'x-request-id')
      expect(withoutId(head)).toEqual(withoutId(whole))
    }
  })

  it('answers 404, 304 and 416 like GET', async () => {
    const { service, etag } = await serviceWithObject()
    const head = async (where: string, headers: Record<string, string> = {}) =>
      (await service.request(where, { method: 'HEAD', headers })).status
    expect(await head('/v1/objects/files/none')).toBe(404)
    expect(await head(path, { 'If-None-Match': etag })).toBe(304)
    expect(await head(path, { Range: 'bytes=10-' })).toBe(416)
  })
})
