import { get } from 'node:http'
import { describe, expect, it } from 'vitest'
import { createService, type Service } from '../memory-service.ts'
import { expectProblem } from '../problems.ts'

const tokens = {
  reader: 'reader-0123456789',
  writer: 'writer-0123456789',
  worker: 'worker-0123456789',
  keeper: 'keeper-0123456789',
  both: 'both-00123456789',
}
const apiTokens = `${tokens.reader}=read,${tokens.writer}=write,${tokens.worker}=worker,${tokens.keeper}=admin,${tokens.both}=read+write`
const open = (env: Record<string, string> = {}) => createService({ env: { API_TOKENS: apiTokens, ...env } })
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

/**
 * Every call and the scope that it needs, written down from the contract. A route that is served and not named here fails
 * the test, and so does one that is named and not served.
 */
const needed: Record<string, 'open' | 'read' | 'write' | 'worker' | 'admin'> = {
  'get /': 'open',
  'get /docs': 'open',
  'get /openapi.json': 'open',
  'get /livez': 'open',
  'get /metrics': 'admin',
  'get /readyz': 'open',
  'get /v1/capabilities': 'read',
  'get /v1/objects': 'read',
  'get /v1/objects/{key}': 'read',
  'put /v1/objects/{key}': 'write',
  'delete /v1/objects/{key}': 'write',
  'post /v1/objects/delete': 'write',
  'get /v1/datasets': 'read',
  'get /v1/datasets/{dataset}': 'read',
  'delete /v1/datasets/{dataset}': 'write',
  'post /v1/datasets/{dataset}/files': 'write',
  'post /v1/links': 'read',
  'get /v1/links/{token}/{filename}': 'open',
  'get /v1/links/{token}/{filename}/{index}/{name}': 'open',
  'post /v1/exports': 'read',
  'get /v1/exports/{id}': 'read',
  'delete /v1/exports/{id}': 'read',
  'get /v1/processes': 'read',
  'post /v1/processes': 'write',
  'get /v1/processes/{id}': 'read',
  'delete /v1/processes/{id}': 'write',
  'get /v1/results': 'read',
  'delete /v1/results': 'write',
  'post /v1/processes/claim': 'worker',
  'get /v1/processes/events': 'read',
  'get /v1/processes/{id}/events': 'read',
  'post /v1/processes/{id}/reports': 'worker',
  'get /v1/processes/{id}/metrics': 'read',
  'post /v1/processes/{id}/heartbeats': 'worker',
  'post /v1/processes/{id}/claim': 'worker',
  'post /v1/processes/{id}/cancel': 'write',
  'post /v1/processes/{id}/retry': 'write',
}

interface Operation {
  readonly security: readonly unknown[]
  readonly 'x-scope'?: string
}

async function servedRoutes(service: Service): Promise<Record<string, string>> {
  const document = (await (await service.request('/openapi.json')).json()) as {
    paths: Record<string, Record<string, Operation>>
  }
  return Object.fromEntries(
    Object.entries(document.paths).flatMap(([path, item]) =>
      Object.entries(item).map(([method, operation]) => [`${method} ${path}`, operation['x-scope'] ?? 'open']),
    ),
  )
}

const call = (service: Service, route: string, headers: Record<string, string>) => {
  const [method = '', path = ''] = route.split(' ')
  // Of a key outside of the public folders and an id of nothing, so that what is allowed does no harm.
  const filled = path.replace('{key}', 'files/none').replace(/\{\w+\}/g, 'none')
  const json = method === 'post' && !path.endsWith('/files') ? { json: {} } : {}
  return service.request(filled, { method: method.toUpperCase(), headers, ...json })
}

it('names the scope of every route that is served, as its document does', async () => {
  expect(await servedRoutes(open())).toEqual(needed)
})

describe.each(Object.entries(needed))('%s', (route, scope) => {
  it(`is for ${scope === 'open' ? 'everybody' : `scope ${scope}, and for admin`}`, async () => {
    const service = open()
    const grants = {
      none: [],
      reader: ['read'],
      writer: ['write'],
      worker: ['worker'],
      keeper: ['admin'],
      both: ['read', 'write'],
    }
    for (const [who, granted] of Object.entries(grants) as [keyof typeof grants, string[]][]) {
      const answer = await call(service, route, who === 'none' ? {} : bearer(tokens[who]))
      if (scope === 'open' || granted.includes(scope) || granted.includes('admin')) {
        expect([who, answer.status]).not.toEqual([who, 401])
        // A link without a valid token of its own is refused for that, and not for want of a scope.
        if (answer.status === 403) expect(await answer.json()).toMatchObject({ code: 'link-invalid' })
      } else if (granted.length === 0) {
        expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer/)
        await expectProblem(answer, 401, 'unauthenticated')
      } else {
        await expectProblem(answer, 403, 'forbidden')
      }
    }
  })

  it('is refused, or open, before anything about the request is judged', async () => {
    if (scope === 'open') return expect((await call(open(), route, bearer('unknown-0123456789'))).status).not.toBe(401)
    await expectProblem(await call(open(), route, bearer('unknown-0123456789')), 401, 'unauthenticated')
  })
})

describe('a token', () => {
  it.each([
    'Basic cmVhZGVyLTAxMjM0NTY3ODk=',
    `Token ${tokens.reader}`,
    tokens.reader,
    'Bearer',
    'Bearer ',
    `Bearer ${tokens.reader}x`,
    `Bearer ${tokens.reader.slice(0, -1)}`,
    `Bearer ${tokens.reader.toUpperCase()}`,
    `Bearer ${tokens.reader} ${tokens.keeper}`,
    `Bearer ${tokens.reader}, Bearer ${tokens.keeper}`,
    `Bearer ${tokens.reader}=read`,
  ])('is not %j', async (authorization) => {
    await expectProblem(await open().request('/v1/objects', { headers: { authorization } }), 401, 'unauthenticated')
  })

  it('is taken whatever the case of the scheme', async () => {
    for (const scheme of ['Bearer', 'bearer', 'BEARER']) {
      const answer = await open().request('/v1/objects', { headers: { authorization: `${scheme} ${tokens.reader}` } })
      expect(answer.status).toBe(200)
    }
  })

  it('is not looked for in the query', async () => {
    await expectProblem(await open().request(`/v1/objects?token=${tokens.reader}`), 401, 'unauthenticated')
  })

  it('is not needed to follow a link, and a wrong one does no harm', async () => {
    const service = open()
    await service.request('/v1/objects/files/a', { method: 'PUT', body: 'x', headers: bearer(tokens.writer) })
    const made = await service.request('/v1/links', {
      method: 'POST',
      json: { keys: ['files/a'] },
      headers: bearer(tokens.reader),
    })
    const { links } = (await made.json()) as { links: { url: string }[] }
    const path = new URL(`${links[0]?.url}`).pathname
    for (const headers of [{}, bearer('unknown-0123456789'), { authorization: 'Basic x' }] as Record<
      string,
      string
    >[]) {
      expect((await service.request(path, { headers })).status).toBe(200)
      expect((await service.request(path, { headers, method: 'HEAD' })).status).toBe(200)
    }
  })

  it('tells nobody without it what paths there are', async () => {
    for (const path of ['/v1/none', '/v1/processes/a/b/c', '/upload/training-data', '/metrics/none']) {
      expect((await open().request(path)).status).toBe((await open().request('/nowhere')).status)
    }
  })
})

describe('without tokens', () => {
  it('everybody who reaches the service may do everything', async () => {
    const service = createService()
    const put = await service.request('/v1/objects/files/a', { method: 'PUT', body: 'x' })
    expect(put.status).toBe(201)
    const removed = await service.request('/v1/objects/delete', { method: 'POST', json: { prefix: 'files/' } })
    expect(removed.status).toBe(200)
    expect((await service.request('/v1/objects', { headers: bearer('any') })).status).toBe(200)
  })

  it.each(['evil.example', 'evil.example:8787', '127.0.0.1.evil.example', 'localhost.evil.example', '10.0.0.1'])(
    'a page whose name was rebound to us (%s) is refused',
    async (host) => {
      const service = createService()
      const port = await service.listen()
      const status = await new Promise((resolve, reject) => {
        get({ host: '127.0.0.1', port, path: '/v1/objects', headers: { host } }, (answer) => {
          answer.resume()
          resolve(answer.statusCode)
        }).on('error', reject)
      })
      expect(status).toBe(403)
    },
  )
})

it.each(['127.0.0.1:80', 'LOCALHOST', 'localhost:80', '[::1]'])('a Host that is ours is served: %s', async (host) => {
  const headers = { host }
  expect((await createService().fetch(new Request(`http://${host}/v1/objects`, { headers }))).status).toBe(200)
})

describe('pages of other origins', () => {
  const known = 'https://dashboard.example'
  const cors = (env: Record<string, string> = {}) => createService({ env: { CORS_ORIGINS: known, ...env } })

  it('may ask before they send, when they are known', async () => {
    const answer = await cors({ API_TOKENS: apiTokens }).request('/v1/processes/p1', {
      method: 'OPTIONS',
      headers: {
        origin: known,
        'access-control-request-method': 'DELETE',
        'access-control-request-headers': 'authorization,content-type,x-runpod-token',
      },
    })
    expect(answer.status).toBe(204)
    expect(answer.headers.get('access-control-allow-origin')).toBe(known)
    expect(answer.headers.get('access-control-allow-methods')).toContain('DELETE')
    expect(answer.headers.get('access-control-allow-headers')).toBe('authorization,content-type,x-runpod-token')
    expect(answer.headers.get('access-control-max-age')).toBe('600')
    expect(answer.headers.get('access-control-allow-credentials')).toBeNull()
    expect(answer.headers.get('vary')).toContain('Origin')
  })

  it.each([
    'null',
    'https://dashboard.example.evil',
    'https://evil-dashboard.example',
    'http://dashboard.example',
    'https://dashboard.example:8443',
    'https://DASHBOARD.example',
    'https://sub.dashboard.example',
  ])('get no permission when they are %s', async (origin) => {
    for (const method of ['OPTIONS', 'GET']) {
      const answer = await cors().request('/v1/objects', { method, headers: { origin } })
      expect(answer.headers.get('access-control-allow-origin')).toBeNull()
      expect(answer.headers.get('vary')).toContain('Origin')
    }
    for (const method of ['PUT', 'DELETE', 'POST'] as const) {
      const path = method === 'POST' ? '/v1/exports' : '/v1/objects/files/a'
      const body = method === 'DELETE' ? {} : { body: 'x' }
      const answer = await cors().request(path, { method, headers: { origin, 'content-type': 'text/plain' }, ...body })
      await expectProblem(answer, 403, 'forbidden')
    }
  })

  it.each([
    ['/v1/objects', 200],
    ['/v1/objects/files/none', 404],
    ['/v1/objects?limit=x', 400],
    ['/nowhere', 404],
    ['/v1/links/x/y', 403],
  ])('can read what they were answered: %s', async (path, status) => {
    const answer = await cors().request(path, { headers: { origin: known } })
    expect(answer.status).toBe(status)
    expect(answer.headers.get('access-control-allow-origin')).toBe(known)
    const exposed = answer.headers.get('access-control-expose-headers')?.toLowerCase().split(/,\s*/)
    expect(exposed).toEqual(
      expect.arrayContaining([
        'etag',
        'location',
        'content-disposition',
        'content-range',
        'retry-after',
        'x-request-id',
        'upload-offset',
        'tus-resumable',
      ]),
    )
  })

  it('can read that a token is missing, and that the body is too large', async () => {
    const missing = await cors({ API_TOKENS: apiTokens }).request('/v1/objects', { headers: { origin: known } })
    expect([missing.status, missing.headers.get('access-control-allow-origin')]).toEqual([401, known])
    const large = await cors({ MAX_UPLOAD_BYTES: '1' }).request('/v1/objects/files/a', {
      method: 'PUT',
      body: 'xx',
      headers: { origin: known, 'content-length': '2' },
    })
    expect([large.status, large.headers.get('access-control-allow-origin')]).toEqual([413, known])
  })

  it('are one with us when they come from where we are', async () => {
    const put = (headers: Record<string, string>) =>
      createService().request('/v1/objects/files/a', { method: 'PUT', body: 'x', headers })
    expect((await put({ origin: 'http://127.0.0.1:8787' })).status).toBe(201)
    expect((await put({ origin: 'http://127.0.0.1:9999' })).status).toBe(403)
  })
})

describe('the request id', () => {
  it('is the one that was sent, when it is fit for a log', async () => {
    const answer = await createService().request('/livez', { headers: { 'x-request-id': 'abc-1.2_3' } })
    expect(answer.headers.get('x-request-id')).toBe('abc-1.2_3')
  })

  it.each(['', 'a b', 'a"b', 'x'.repeat(129), 'é', 'a{}'])('is made when %j was sent', async (given) => {
    const service = createService()
    for (const path of ['/livez', '/nowhere', '/v1/objects?limit=x']) {
      const answer = await service.request(path, { headers: { 'x-request-id': given } })
      expect(answer.headers.get('x-request-id')).toMatch(/^[0-9a-z]{26}$/)
    }
  })

  it('stands in the one log line of the request', async () => {
    const service = createService()
    await service.request('/v1/objects?prefix=files/secret', { headers: { 'x-request-id': 'r1' } })
    const lines = service.logLines.map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(lines.filter(({ event }) => event === 'request')).toEqual([
      expect.objectContaining({ requestId: 'r1', method: 'GET', path: '/v1/objects', status: 200 }),
    ])
  })
})
