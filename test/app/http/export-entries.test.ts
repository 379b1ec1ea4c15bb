import { describe, expect, it } from 'vitest'
import type { LinkGrant, LinkSigner } from '../../../src/ports/link-signer.ts'
import { parseObjectKey } from '../../../src/ports/object-key.ts'
import type { CallOptions, ObjectStore } from '../../../src/ports/object-store.ts'
import { createService, type Service, type ServiceOptions, startedAtMs } from '../memory-service.ts'
import { expectProblem } from '../problems.ts'

interface ExportJson {
  readonly id: string
  readonly url: string
  readonly entries: readonly {
    name: string
    key: string
    size: number
    crc32: string
    sha256: string
    url: string
    via: string
  }[]
}

const put = (service: Service, key: string, body: string) =>
  service.request(`/v1/objects/${key}`, { method: 'PUT', body })

async function madeExport(options: ServiceOptions = {}) {
  const service = createService(options)
  await put(service, 'dataset/matt/a.jpg', 'jpeg')
  await put(service, 'dataset/matt/a.txt', 'caption')
  const json = { include: [{ dataset: 'matt' }], expiresInSeconds: 3600 }
  const { id } = (await (await service.request('/v1/exports', { method: 'POST', json })).json()) as ExportJson
  const made = (await (await service.request(`/v1/exports/${id}`)).json()) as ExportJson
  return { service, made, paths: made.entries.map(({ url }) => new URL(url).pathname) }
}

describe('the files of an export, one by one', () => {
  it('are listed with what they are and where they can be had', async () => {
    const { service, made } = await madeExport()
    expect(made.entries[1]).toEqual({
      name: 'matt/a.txt',
      key: 'dataset/matt/a.txt',
      size: 7,
      crc32: expect.stringMatching(/^[0-9a-f]{8}$/),
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:8787\/v1\/links\/[\w.-]+\/entries\/1\/a\.txt$/),
      via: 'api',
    })
    const stored = await service.request('/v1/objects/dataset/matt/a.txt', { method: 'PUT', body: 'caption' })
    const receipt = (await stored.json()) as { crc32: string; sha256: string }
    expect(made.entries[1]).toMatchObject({ crc32: receipt.crc32, sha256: receipt.sha256 })
  })

  it('come whole, in ranges, and as heads', async () => {
    const { service, paths } = await madeExport()
    const whole = await service.request(`${paths[1]}`)
    expect([whole.status, await whole.text()]).toEqual([200, 'caption'])
    expect(whole.headers.get('content-disposition')).toBe(`attachment; filename="a.txt"; filename*=UTF-8''a.txt`)
    expect(whole.headers.get('referrer-policy')).toBe('no-referrer')
    const part = await service.request(`${paths[1]}`, { headers: { Range: 'bytes=3-5' } })
    expect([part.status, await part.text()]).toEqual([206, 'tio'])
    const head = await service.request(`${paths[1]}`, { method: 'HEAD' })
    expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '7', ''])
  })

  it('are stale when their object was replaced or deleted; the others are not', async () => {
    const { service, paths } = await madeExport()
    await put(service, 'dataset/matt/a.txt', 'CAPTION')
    await expectProblem(await service.request(`${paths[1]}`), 409, 'export-stale')
    expect((await service.request(`${paths[0]}`)).status).toBe(200)
    await service.request('/v1/objects/dataset/matt/a.txt', { method: 'DELETE' })
    await expectProblem(await service.request(`${paths[1]}`), 409, 'export-stale')
  })

  it('are gone with their export, and refused when it has expired', async () => {
    const { service, made, paths } = await madeExport()
    service.clock.advance(3_600_000)
    await expectProblem(await service.request(`${paths[0]}`), 403, 'link-expired')
    const other = await madeExport()
    await other.service.request(`/v1/exports/${other.made.id}`, { method: 'DELETE' })
    await expectProblem(await other.service.request(`${other.paths[0]}`), 404, 'not-found')
    expect(made.entries).toHaveLength(2)
  })

  it('have one spelling each, and open nothing else', async () => {
    const { service, made, paths } = await madeExport()
    const [first = ''] = paths
    const zip = new URL(made.url).pathname
    const [, , , entriesToken = ''] = first.split('/')
    const [, , , zipToken = ''] = zip.split('/')
    const wrong = [
      first.replace('/0/', '/1/'),
      first.replace('/0/', '/00/'),
      first.replace('/0/', '/-1/'),
      first.replace('/0/', '/2/'),
      first.replace('/0/', '/0.0/'),
      first.replace('/entries/', '/other/'),
      first.replace('a.jpg', 'b.jpg'),
      `${first}?x=1`,
      first.replace(entriesToken, zipToken),
      first.replace(/\/entries\/.*/, '/entries'),
      zip.replace(zipToken, entriesToken),
      first.replace(entriesToken, `${entriesToken.slice(0, -1)}${entriesToken.endsWith('A') ? 'B' : 'A'}`),
    ]
    for (const path of wrong) await expectProblem(await service.request(path), 403, 'link-invalid')
  })

  it('are listed under an ETag, the same from every instance, and a weak one where checksums are looked for', async () => {
    const { service, made } = await madeExport()
    const other = createService({ store: service.store })
    for (const format of ['json', 'aria2', 'urls']) {
      const path = `/v1/exports/${made.id}?format=${format}`
      const [first, second] = [await service.request(path), await other.request(path)]
      const etag = first.headers.get('etag') ?? ''
      expect(etag).toMatch(format === 'urls' ? /^"[0-9a-f]{32}"$/ : /^W\/"[0-9a-f]{32}"$/)
      expect([second.headers.get('etag'), await second.text()]).toEqual([etag, await first.text()])
      const again = await service.request(path, { headers: { 'If-None-Match': etag } })
      expect([again.status, await again.text()]).toEqual([304, ''])
    }
    await expectProblem(await service.request(`/v1/exports/${made.id}?format=xml`), 400, 'invalid-request')
  })

  it('are listed for aria2c and wget', async () => {
    const { service, made } = await madeExport()
    const text = async (format: string) => (await service.request(`/v1/exports/${made.id}?format=${format}`)).text()
    const [jpg, txt] = made.entries
    expect(await text('aria2')).toBe(
      `${jpg?.url}\n  out=matt/a.jpg\n  checksum=sha-256=${jpg?.sha256}\n` +
        `${txt?.url}\n  out=matt/a.txt\n  checksum=sha-256=${txt?.sha256}\n`,
    )
    expect(await text('urls')).toBe(`${jpg?.url}\n${txt?.url}\n`)
  })
})

describe('the files of an export in a store that signs URLs', () => {
  const signed: LinkGrant[] = []
  const storeLinks: LinkSigner = {
    sign: async (grant) => {
      signed.push(grant)
      return `https://store.example/${grant.subject}`
    },
  }
  const presigning = (memory: ObjectStore): ObjectStore => ({
    ...memory,
    capabilities: async (options: CallOptions) => ({ ...(await memory.capabilities(options)), presign: true }),
  })

  it('come from there, by a URL that is made when it is asked for', async () => {
    signed.length = 0
    const { service, made, paths } = await madeExport({ wrap: presigning, storeLinks })
    expect(made.entries.map(({ via }) => via)).toEqual(['store', 'store'])
    expect(signed).toEqual([])
    const answer = await service.request(`${paths[1]}`, { headers: { Range: 'bytes=3-5' } })
    expect([answer.status, answer.headers.get('location')]).toEqual([302, 'https://store.example/dataset/matt/a.txt'])
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(signed).toEqual([
      {
        purpose: 'object',
        subject: parseObjectKey('dataset/matt/a.txt'),
        expiresAt: new Date(startedAtMs + 900_000),
        disposition: 'attachment',
        filename: 'a.txt',
      },
    ])
    service.clock.advance(3_000_000)
    await service.request(`${paths[1]}`)
    expect(signed.at(-1)?.expiresAt).toEqual(new Date(startedAtMs + 3_600_000))
  })

  it('are looked at before, and their heads are ours', async () => {
    const { service, paths } = await madeExport({ wrap: presigning, storeLinks })
    const head = await service.request(`${paths[1]}`, { method: 'HEAD' })
    expect([head.status, head.headers.get('content-length')]).toEqual([200, '7'])
    await put(service, 'dataset/matt/a.txt', 'CAPTION')
    await expectProblem(await service.request(`${paths[1]}`), 409, 'export-stale')
  })
})
