import { describe, expect, it } from 'vitest'
import { StoreUnavailable } from '../../../../src/ports/errors.ts'
import { createService, type Service } from '../../memory-service.ts'
import { processClient } from '../processes.ts'

const types = ['app', 'requests', 'errors', 'system']

interface Tail {
  readonly data: { readonly lines: readonly string[]; readonly message: string }
}

async function tail(service: Service, type: string, query = ''): Promise<readonly string[]> {
  const answer = await service.request(`/logs/tail/${type}${query}`)
  expect(answer.status).toBe(200)
  return ((await answer.json()) as Tail).data.lines
}

describe('GET /logs/tail/{type}', () => {
  it('says which requests there were', async () => {
    const service = createService()
    await service.request('/livez')
    await service.request('/v1/datasets/none')
    const lines = await tail(service, 'requests')
    expect(lines).toHaveLength(2)
    expect(lines[0]).toMatch(/^2026-03-01T12:00:00\.000Z INFO request .*method=GET path=\/livez status=200/)
    expect(await tail(service, 'requests', '?lines=1')).toEqual([expect.stringContaining('path=/logs/tail/requests')])
    expect(await tail(service, 'requests', '?lines=all')).toHaveLength(4)
  })

  it('says why a process failed, which is shown nowhere else', async () => {
    const service = createService()
    const client = processClient(service)
    await client.made({ id: 'train_1' })
    const error = { code: 'CudaOutOfMemory', message: 'CUDA out of memory' }
    const report = { seq: 0, status: 'failed', error }
    await client.reported('train_1', report)
    await client.reported('train_1', report)
    for (const type of ['app', 'errors']) {
      expect(await tail(service, type)).toEqual([
        expect.stringMatching(/WARN process-ended .*processId=train_1 status=failed .*CUDA out of memory/),
      ])
    }
  })

  it.each(types)('of %s says that nothing was logged', async (type) => {
    const answer = await createService().request(`/logs/tail/${type}`)
    expect(await answer.json()).toMatchObject({ data: { lines: [], message: 'Nothing was logged yet.' } })
  })

  it('of another type is an error', async () => {
    for (const [method, path] of [
      ['GET', '/logs/tail/passwords'],
      ['DELETE', '/logs/passwords'],
      ['GET', '/logs/tail/__proto__'],
    ] as const) {
      const answer = await createService().request(path, { method })
      expect(answer.status).toBe(404)
      expect(await answer.json()).toEqual({ success: false, message: expect.stringContaining('app, requests') })
    }
  })
})

it('GET /logs/stats says how much there is, and DELETE /logs/{type} removes it', async () => {
  const service = createService()
  await service.request('/livez')
  const files = async () => {
    const { data } = (await (await service.request('/logs/stats')).json()) as {
      data: { files: { name: string; size: number; modified: string }[] }
    }
    return data.files
  }
  const [app, requests, ...others] = await files()
  expect([app, requests, ...others].map((file) => file?.name)).toEqual(types)
  expect(requests?.size).toBeGreaterThan(50)
  expect(app?.size).toBe(0)
  expect(app?.modified).toBe('2026-03-01T12:00:00.000Z')
  const removed = await service.request('/logs/requests', { method: 'DELETE' })
  expect(removed.status).toBe(200)
  const lines = await tail(service, 'requests')
  expect(lines).toEqual([expect.stringContaining('method=DELETE')])
})

it('no line has a secret: no token of a link or of a user, no query, and nothing of the store behind a 503', async () => {
  const bearer = 'U2FsdGVkX19zZWNyZXQ'
  const runPod = 'rpa_SECRETSECRETSECRET'
  let down = false
  const service = createService({
    env: { API_TOKENS: 'some-token-0123456789=admin', DASHBOARD: 'trusted-network' },
    wrap: (store) => ({
      ...store,
      get: async (...given) => {
        if (down) throw new StoreUnavailable('https://bucket.example/key?X-Amz-Signature=abcdef0123')
        return await store.get(...given)
      },
    }),
  })
  const secret = { authorization: `Bearer ${bearer}`, 'x-runpod-token': runPod }
  await service.request('/logs/stats', { headers: secret })
  await service.request('/v1/objects', { headers: { authorization: 'Bearer some-token-0123456789' } })
  const api = { authorization: 'Bearer some-token-0123456789' }
  await service.request('/v1/objects/files/a.txt', { method: 'PUT', body: 'a', headers: api })
  const made = await service.request('/v1/links', { method: 'POST', json: { keys: ['files/a.txt'] }, headers: api })
  const { links } = (await made.json()) as { links: { url: string }[] }
  const url = links[0]?.url ?? ''
  expect((await service.fetch(new Request(url))).status).toBe(200)
  await service.request(`/api${new URL(url).pathname}?a=${runPod}`, { headers: secret })
  down = true
  expect((await service.request('/download/train_1', { headers: secret })).status).toBe(503)
  const everything = (await Promise.all(types.map((type) => tail(service, type)))).flat().join('\n')
  expect(everything).toContain('request-failed')
  const token = new URL(url).pathname.split('/')[3] ?? ''
  for (const hidden of [bearer, runPod, 'some-token-0123456789', token, 'abcdef0123']) {
    expect(hidden.length).toBeGreaterThan(9)
    expect(everything).not.toContain(hidden)
    expect(service.logLines.join('\n')).not.toContain(hidden)
  }
})

it('lines are kept also where fewer are written', async () => {
  const service = createService({ env: { LOG_LEVEL: 'error' } })
  await service.request('/livez')
  expect(service.logLines).toEqual([])
  expect(await tail(service, 'requests')).toHaveLength(1)
})
