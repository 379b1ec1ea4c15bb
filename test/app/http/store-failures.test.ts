import { describe, expect, it } from 'vitest'
import { StoreFull, StoreUnavailable } from '../../../src/ports/errors.ts'
import type { ObjectStore } from '../../../src/ports/object-store.ts'
import { createService } from '../memory-service.ts'
import { expectProblem } from '../problems.ts'

/** A service whose store fails from now on, in one operation, below one prefix. */
function failing(operation: 'put' | 'get' | 'head' | 'list', prefix: string, failure: () => Error) {
  let fails = false
  const service = createService({
    wrap: (store) => {
      const call = store[operation] as (...args: unknown[]) => Promise<unknown>
      const broken = async (...args: unknown[]) => {
        const about = operation === 'list' ? (args[0] as { prefix: string }).prefix : `${args[0]}`
        if (fails && about.startsWith(prefix)) throw failure()
        return call(...args)
      }
      return { ...store, [operation]: broken } as ObjectStore
    },
  })
  return {
    service,
    fail() {
      fails = true
    },
  }
}

const away = () => new StoreUnavailable('bucket secret-name at 10.0.0.7 is away', { blame: 'request' })
const put = { method: 'PUT', body: 'x' }
const all = { method: 'POST', json: { include: [{ prefix: 'files/' }] } }

describe('an export on a store that fails', () => {
  it('is refused with 507 when there is no room for its manifest, and leaves nothing', async () => {
    const { service, fail } = failing('put', 'exports/', () => new StoreFull('no space on /dev/secret'))
    await service.request('/v1/objects/files/a', put)
    fail()
    const { detail } = await expectProblem(await service.request('/v1/exports', all), 507, 'store-full')
    expect(detail).not.toContain('secret')
    expect(await service.keys('exports/')).toEqual([])
  })

  it.each([
    ['list', { prefix: 'files/' }],
    ['head', { key: 'files/a' }],
  ] as const)('is 503 when its selection cannot be looked at by %s', async (operation, selected) => {
    const { service, fail } = failing(operation, 'files/', away)
    await service.request('/v1/objects/files/a', put)
    fail()
    const answer = await service.request('/v1/exports', { method: 'POST', json: { include: [selected] } })
    await expectProblem(answer, 503, 'store-unavailable')
    expect(await service.keys('exports/')).toEqual([])
  })

  it('is 503 and not 404 when its manifest cannot be asked for', async () => {
    const { service, fail } = failing('head', 'exports/', away)
    await service.request('/v1/objects/files/a', put)
    const { id, url } = (await (await service.request('/v1/exports', all)).json()) as { id: string; url: string }
    fail()
    await expectProblem(await service.request(`/v1/exports/${id}`), 503, 'store-unavailable')
    await expectProblem(await service.request(new URL(url).pathname), 503, 'store-unavailable')
  })
})

describe('lists on a store that fails', () => {
  it.each([
    ['/processes', 'processes/state/'],
    ['/files/list', 'results/'],
    ['/lora', 'results/'],
    ['/v1/results', 'results/'],
  ])('%s is 503 while it is away, without a word about where it is, and well again after it', async (path, prefix) => {
    let isAway = true
    const service = createService({
      wrap: (store) => ({
        ...store,
        list: (request) => (isAway && request.prefix.startsWith(prefix) ? Promise.reject(away()) : store.list(request)),
      }),
    })
    const answer = await service.request(path)
    expect(answer.status).toBe(503)
    const text = await answer.text()
    expect(text).not.toMatch(/secret|10\.0\.0\.7/)
    expect(JSON.parse(text)).toMatchObject(path.startsWith('/v1') ? { code: 'store-unavailable' } : { success: false })
    isAway = false
    expect((await service.request(path)).status).toBe(200)
  })
})
