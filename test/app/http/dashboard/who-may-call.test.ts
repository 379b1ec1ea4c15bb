import { describe, expect, it } from 'vitest'
import { StoreUnavailable } from '../../../../src/ports/errors.ts'
import { createService } from '../../memory-service.ts'

const dashboard = 'https://dashboard.example'
const tokens = { API_TOKENS: 'some-token-0123456789=admin', DASHBOARD: 'trusted-network' }

describe('a preflight', () => {
  it.each([
    ['DELETE', '/processes/train_0123456789ab'],
    ['GET', '/health'],
    ['POST', '/train'],
  ])('of %s %s is answered once for ten minutes, with every header that the dashboard sends', async (method, path) => {
    const service = createService({ env: { CORS_ORIGINS: dashboard } })
    const answer = await service.request(path, {
      method: 'OPTIONS',
      headers: {
        origin: dashboard,
        'access-control-request-method': method,
        'access-control-request-headers': 'authorization,content-type,x-runpod-token',
      },
    })
    expect(answer.status).toBe(204)
    expect(answer.headers.get('access-control-allow-origin')).toBe(dashboard)
    expect(answer.headers.get('access-control-allow-headers')).toBe('authorization,content-type,x-runpod-token')
    expect(answer.headers.get('access-control-allow-methods')).toContain('DELETE')
    expect(answer.headers.get('access-control-max-age')).toBe('600')
    expect(answer.headers.get('vary')).toContain('Origin')
  })
})

describe('a page of a foreign origin', () => {
  it.each([{}, tokens])('is refused also what changes nothing (%j)', async (env) => {
    const service = createService({ env: { CORS_ORIGINS: dashboard, ...env } })
    const ask = (origin: string) => service.request('/health', { headers: { origin } })
    const foreign = await ask('https://evil.example')
    expect(foreign.status).toBe(403)
    expect(await foreign.json()).toEqual({ success: false, message: expect.stringContaining('CORS_ORIGINS') })
    expect(foreign.headers.get('access-control-allow-origin')).toBeNull()
    const own = await ask(dashboard)
    expect(own.status).toBe(200)
    expect(own.headers.get('access-control-allow-origin')).toBe(dashboard)
    expect(own.headers.get('vary')).toContain('Origin')
  })

  it('is refused under a name that was rebound to our address, with tokens, too', async () => {
    const service = createService({ env: tokens })
    const rebound = await service.fetch(new Request('http://rebound.example:8787/health'))
    expect(rebound.status).toBe(403)
    expect(await rebound.json()).toEqual({ success: false, message: expect.stringContaining('PUBLIC_URL') })
  })
})

describe('GET /health', () => {
  it('says what is there', async () => {
    const answer = await createService().request('/health')
    expect(answer.status).toBe(200)
    expect(await answer.json()).toEqual({
      success: true,
      data: { status: 'healthy', services: { api: 'healthy', storage: 'healthy', processes: 'healthy' } },
      message: expect.any(String),
    })
  })

  it('says that the store is away, in an answer that the page may read', async () => {
    const service = createService({
      env: { CORS_ORIGINS: dashboard },
      wrap: (store) => ({
        ...store,
        get: async () => {
          throw new StoreUnavailable('connect ECONNREFUSED 10.0.0.7')
        },
      }),
    })
    const answer = await service.request('/health', { headers: { origin: dashboard } })
    expect(answer.status).toBe(503)
    expect(answer.headers.get('access-control-allow-origin')).toBe(dashboard)
    const text = await answer.text()
    expect(JSON.parse(text)).toMatchObject({ success: false, data: { status: 'unhealthy' } })
    expect(text).not.toContain('10.0.0.7')
  })
})
