import { describe, expect, it } from 'vitest'
import type { LinkSigner } from '../../../src/ports/link-signer.ts'
import { parseObjectKey } from '../../../src/ports/object-key.ts'
import type { CallOptions, ObjectStore } from '../../../src/ports/object-store.ts'
import { createService, linkSecret, type Service, startedAtMs, unending } from '../memory-service.ts'
import { expectProblem } from '../problems.ts'

interface LinksJson {
  readonly links: readonly { key: string; url: string; expiresAt: string; size: number; via: string }[]
  readonly missing: readonly string[]
}

const encoder = new TextEncoder()

async function store(service: Service, key: string, body = 'hello', contentType = 'text/plain') {
  const options = { contentType, when: 'always', signal: unending } as const
  await service.store.put(parseObjectKey(key), encoder.encode(body), options)
}

async function links(service: Service, json: Record<string, unknown>): Promise<LinksJson> {
  const answer = await service.request('/v1/links', { method: 'POST', json })
  expect(answer.status).toBe(200)
  return (await answer.json()) as LinksJson
}

/** The path of the link of one key. */
async function linkTo(service: Service, key: string, options: Record<string, unknown> = {}): Promise<string> {
  const [link] = (await links(service, { keys: [key], ...options })).links
  return new URL(`${link?.url}`).pathname
}

async function serviceWithLink(options: Record<string, unknown> = {}) {
  const service = createService()
  await store(service, 'files/a.txt')
  return { service, path: await linkTo(service, 'files/a.txt', options) }
}

describe('POST /v1/links', () => {
  it('makes a link for each key, and says which keys are missing', async () => {
    const service = createService()
    await store(service, 'files/a.txt')
    await store(service, 'dataset/matt/b.jpg', 'longer')
    const made = await links(service, { keys: ['dataset/matt/b.jpg', 'files/none', 'files/a.txt', 'files/a.txt'] })
    const link = { url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:8787\/v1\/links\//), via: 'api' }
    const expiresAt = new Date(startedAtMs + 3_600_000).toISOString()
    expect(made).toEqual({
      links: [
        { ...link, key: 'dataset/matt/b.jpg', size: 6, expiresAt },
        { ...link, key: 'files/a.txt', size: 5, expiresAt },
      ],
      missing: ['files/none'],
    })
  })

  it('says the second until which the link is good, whatever part of a second it is now', async () => {
    const service = createService()
    await store(service, 'files/a.txt')
    service.clock.advance(999)
    const { links: made } = await links(service, { keys: ['files/a.txt'], expiresInSeconds: 60 })
    expect(made[0]?.expiresAt).toBe('2026-03-01T12:01:00.000Z')
  })

  it.each([
    [{ keys: [] }, 'keys'],
    [{}, 'keys'],
    [{ keys: Array.from({ length: 1001 }, (_, i) => `files/${i}`) }, 'keys'],
    [{ keys: ['files/a'], expiresInSeconds: 59 }, 'expiresInSeconds'],
    [{ keys: ['files/a'], expiresInSeconds: 86_401 }, 'expiresInSeconds'],
    [{ keys: ['files/a'], expiresInSeconds: 60.5 }, 'expiresInSeconds'],
    [{ keys: ['files/a'], disposition: 'none' }, 'disposition'],
    [{ keys: ['files/a'], filename: '../a' }, 'filename'],
    [{ keys: ['files/a'], filename: 'a\u202eb' }, 'filename'],
    [{ keys: ['files/a'], filename: '' }, 'filename'],
    [{ keys: ['catalog/dataset/matt.json'] }, 'keys.0'],
    [{ keys: ['files/a', 'files/..'] }, 'keys.1'],
  ])('names what is wrong in %j', async (json, path) => {
    const answer = await createService().request('/v1/links', { method: 'POST', json })
    const problem = await expectProblem(answer, 400, 'invalid-request')
    expect(problem.errors?.map((error) => error.path)).toEqual([path])
  })

  it('takes a thousand keys', async () => {
    const service = createService()
    const keys = Array.from({ length: 1000 }, (_, i) => `files/${i}`)
    for (const key of keys) await store(service, key)
    const made = await links(service, { keys })
    expect(made.links.map(({ key }) => key)).toEqual(keys)
  })
})

describe("links of the store's own", () => {
  const storeLinks: LinkSigner = { sign: async ({ subject }) => `https://store.example/${subject}` }
  const presigning = (presign: boolean) => (store: ObjectStore) => ({
    ...store,
    capabilities: async (options: CallOptions) => ({ ...(await store.capabilities(options)), presign }),
  })
  const said = async (service: Service) => {
    const { links: about } = (await (await service.request('/v1/capabilities')).json()) as { links: unknown }
    return about
  }

  it('are given out where the store was seen to honour them, for attachments', async () => {
    const service = createService({ wrap: presigning(true), storeLinks })
    await store(service, 'files/a.txt')
    const { links: made } = await links(service, { keys: ['files/a.txt'] })
    expect(made).toMatchObject([{ via: 'store', url: 'https://store.example/files/a.txt' }])
    const { links: inline } = await links(service, { keys: ['files/a.txt'], disposition: 'inline' })
    expect(inline).toMatchObject([{ via: 'api' }])
    expect(await said(service)).toEqual({ via: 'store', because: null })
  })

  it('are not where it was seen not to, and it is said why', async () => {
    const service = createService({ wrap: presigning(false), storeLinks })
    await store(service, 'files/a.txt')
    expect((await links(service, { keys: ['files/a.txt'] })).links).toMatchObject([{ via: 'api' }])
    expect(await said(service)).toEqual({ via: 'api', because: expect.stringContaining('seen not to honour') })
  })

  it('are not where browsers may not reach the store, and it is said why', async () => {
    const because = 'S3_PRESIGN=never'
    const service = createService({ wrap: presigning(true), ownLinksBecause: because })
    await store(service, 'files/a.txt')
    expect((await links(service, { keys: ['files/a.txt'] })).links).toMatchObject([{ via: 'api' }])
    expect(await said(service)).toEqual({ via: 'api', because })
    expect(await said(createService())).toEqual({ via: 'api', because: 'this store has no URLs of its own' })
  })
})

describe('a link', () => {
  it('gives the bytes, as a file of its name and never as a page', async () => {
    const { service, path } = await serviceWithLink({ filename: 'Łódź "1".txt' })
    const answer = await service.request(path)
    expect(answer.status).toBe(200)
    expect(await answer.text()).toBe('hello')
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-disposition': expect.stringContaining(`filename*=UTF-8''%C5%81%C3%B3d%C5%BA%20%221%22.txt`),
      'content-security-policy': "sandbox; default-src 'none'",
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'content-length': '5',
      'accept-ranges': 'bytes',
    })
  })

  it('takes HEAD, ranges and conditions', async () => {
    const { service, path } = await serviceWithLink()
    const head = await service.request(path, { method: 'HEAD' })
    expect([head.status, await head.text(), head.headers.get('content-length')]).toEqual([200, '', '5'])
    const range = await service.request(path, { headers: { Range: 'bytes=1-2' } })
    expect([range.status, await range.text()]).toEqual([206, 'el'])
    const etag = `${head.headers.get('etag')}`
    expect((await service.request(path, { headers: { 'If-None-Match': etag } })).status).toBe(304)
    expect((await service.request(path, { headers: { Range: 'bytes=9-' } })).status).toBe(416)
  })

  it('reads and does nothing else', async () => {
    const { service, path } = await serviceWithLink()
    for (const method of ['PUT', 'POST', 'DELETE', 'PATCH']) {
      const body = method === 'DELETE' ? {} : { body: 'x' }
      const answer = await service.request(path, { method, ...body })
      expect([404, 405]).toContain(answer.status)
    }
    expect(await service.text('files/a.txt')).toBe('hello')
  })

  it('gives the object as it is when it is followed, and 404 when it is gone', async () => {
    const { service, path } = await serviceWithLink()
    await store(service, 'files/a.txt', 'newer')
    expect(await (await service.request(path)).text()).toBe('newer')
    await service.request('/v1/objects/files/a.txt', { method: 'DELETE' })
    await expectProblem(await service.request(path), 404, 'not-found')
  })

  it('is good until its second, and not at it', async () => {
    const { service, path } = await serviceWithLink({ expiresInSeconds: 60 })
    service.clock.advance(59_999)
    expect((await service.request(path)).status).toBe(200)
    service.clock.advance(1)
    await expectProblem(await service.request(path), 403, 'link-expired')
  })

  it('is worth nothing when any one bit of its token is flipped', async () => {
    const { service, path } = await serviceWithLink()
    const [, , , token = '', name] = path.split('/')
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    for (const [at, character] of [...token].entries()) {
      const value = alphabet.indexOf(character)
      // Every character carries six bits; the dot between the parts carries none.
      const others = value === -1 ? ['A', ''] : [0, 1, 2, 3, 4, 5].map((bit) => alphabet.charAt(value ^ (1 << bit)))
      for (const other of others) {
        const changed = token.slice(0, at) + other + token.slice(at + 1)
        const answer = await service.request(`/v1/links/${changed}/${name}`)
        expect([at, answer.status]).toEqual([at, 403])
        expect(await answer.json()).toMatchObject({ code: 'link-invalid' })
      }
    }
  }, 30_000)

  it.each([
    (path: string) => path.replace('a.txt', 'b.txt'),
    (path: string) => path.replace('a.txt', 'A.txt'),
    (path: string) => path.replace('a.txt', 'a.txt%20'),
    (path: string) => `${path}?download=1`,
    (path: string) => `${path}?`,
    (path: string) => path.replace('/a.txt', '=/a.txt'),
    (path: string) => path.replace('/a.txt', './a.txt'),
    (path: string) => path.replace('/a.txt', '.AAAA/a.txt'),
    (path: string) => path.replace(/links\/[^/]+/, 'links/x'),
    (path: string) => path.replace(/links\/[^/]+/, `links/${'A'.repeat(9000)}`),
  ])('has one spelling and no other: %s', async (change) => {
    const { service, path } = await serviceWithLink()
    const changed = change(path)
    expect(changed).not.toBe(path)
    await expectProblem(await service.request(changed), 403, 'link-invalid')
  })

  it('of one key does not serve another', async () => {
    const service = createService()
    await store(service, 'files/a.txt', 'mine')
    await store(service, 'files/other/a.txt', 'theirs')
    const [mine, theirs] = [await linkTo(service, 'files/a.txt'), await linkTo(service, 'files/other/a.txt')]
    const [fields, mac] = [`${theirs.split('/')[3]}`.split('.')[0], `${mine.split('/')[3]}`.split('.')[1]]
    await expectProblem(await service.request(`/v1/links/${fields}.${mac}/a.txt`), 403, 'link-invalid')
  })

  it('lives on through a rotation of secrets, until its own secret is taken away', async () => {
    const [before, after] = [linkSecret('old', 1), linkSecret('new', 2)]
    const first = createService({ linkSecrets: [before] })
    await store(first, 'files/a.txt')
    const path = await linkTo(first, 'files/a.txt')
    const rotated = createService({ store: first.store, linkSecrets: [after, before] })
    expect((await rotated.request(path)).status).toBe(200)
    const newer = await linkTo(rotated, 'files/a.txt')
    expect(newer).not.toBe(path)
    const done = createService({ store: first.store, linkSecrets: [after] })
    await expectProblem(await done.request(path), 403, 'link-invalid')
    expect((await done.request(newer)).status).toBe(200)
    // The same key id with another secret is another secret.
    const forged = createService({ store: first.store, linkSecrets: [linkSecret('old', 3)] })
    await expectProblem(await forged.request(path), 403, 'link-invalid')
  })

  it('is never written to the log', async () => {
    const { service, path } = await serviceWithLink()
    const token = `${path.split('/')[3]}`
    for (const where of [path, `${path}?x`, `/${path}`, `/api${path}`]) await service.request(where)
    expect(service.logLines.filter((line) => line.includes('/v1/links/'))).not.toEqual([])
    expect(service.logLines.filter((line) => line.includes(token))).toEqual([])
  })
})

describe('an inline link', () => {
  it.each([
    ['image/png', 'image/png'],
    ['image/jpeg', 'image/jpeg'],
    ['image/webp', 'image/webp'],
    ['image/gif', 'image/gif'],
    ['text/plain', 'text/plain; charset=utf-8'],
    ['text/plain; charset=utf-16', 'text/plain; charset=utf-8'],
    ['application/json', 'text/plain; charset=utf-8'],
    ['IMAGE/PNG', 'image/png'],
  ])('shows %s in the browser, as %s', async (stored, shown) => {
    const service = createService()
    await store(service, 'files/a', 'x', stored)
    const answer = await service.request(await linkTo(service, 'files/a', { disposition: 'inline' }))
    expect(answer.headers.get('content-disposition')).toMatch(/^inline;/)
    expect(answer.headers.get('content-type')).toBe(shown)
    expect(answer.headers.get('content-security-policy')).toContain('sandbox')
  })

  it.each([
    'text/html',
    'image/svg+xml',
    'application/pdf',
    'text/xml',
    'application/xhtml+xml',
    'text/css',
    '',
    'text/html, image/png',
  ])('does not show %s', async (stored) => {
    const service = createService()
    await store(service, 'files/a', '<script>alert(1)</script>', stored)
    const answer = await service.request(await linkTo(service, 'files/a', { disposition: 'inline' }))
    expect(answer.headers.get('content-disposition')).toMatch(/^attachment;/)
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
  })
})
