import { describe, expect, it } from 'vitest'
import type { ObjectStore } from '../../../src/ports/object-store.ts'
import { createService, startedAtMs } from '../memory-service.ts'

const tenMinutesMs = 10 * 60_000

/** A service whose store begins to ignore conditional puts when it is told to. */
function serviceOnFailingStore(env: Record<string, string> = {}) {
  let ignores = false
  const wrap = (store: ObjectStore): ObjectStore => ({
    ...store,
    put: (key, body, options) => store.put(key, body, ignores ? { ...options, when: 'always' } : options),
  })
  const service = createService({ wrap, env })
  const get = async (path: string) => {
    const response = await service.request(path)
    return { status: response.status, body: (await response.json()) as Record<string, unknown> }
  }
  return {
    service,
    get,
    failFromNow() {
      ignores = true
    },
  }
}

describe('a store that stops to decide between racing writers', () => {
  it('is noticed once its verdict is old, and /v1/capabilities says what is left of it', async () => {
    const { service, get, failFromNow } = serviceOnFailingStore()
    const before = await get('/v1/capabilities')
    expect(before.body).toMatchObject({
      capabilities: { conditionalPut: 'atomic' },
      checkedAt: new Date(startedAtMs).toISOString(),
      downgrades: [],
    })
    failFromNow()
    service.clock.advance(tenMinutesMs - 1)
    expect((await get('/v1/capabilities')).body).toMatchObject({ capabilities: { conditionalPut: 'atomic' } })
    service.clock.advance(1)
    const at = new Date(startedAtMs + tenMinutesMs).toISOString()
    const after = await get('/v1/capabilities')
    expect(after.body).toMatchObject({
      capabilities: { conditionalPut: 'checked', conditionalDelete: 'atomic' },
      checkedAt: at,
      downgrades: [
        {
          store: 'objects',
          capability: 'conditionalPut',
          from: 'atomic',
          to: 'checked',
          at,
          reason: 'if-absent overwrote an object',
        },
      ],
    })
    expect(after.body.fallbacks).toContainEqual({ capability: 'conditionalPut', instead: expect.any(String) })
    const errors = service.logLines.map((line) => JSON.parse(line)).filter(({ level }) => level === 'error')
    expect(errors).toMatchObject([{ event: 'store-downgraded', capability: 'conditionalPut' }])
    expect(await service.keys()).toEqual([])
  })

  it('changes what /readyz and processes say of their state', async () => {
    const { service, get, failFromNow } = serviceOnFailingStore()
    const created = await service.request('/v1/processes', { method: 'POST', json: { type: 'training', name: 'a' } })
    const { id, sync } = (await created.json()) as { id: string; sync: string }
    expect({ status: created.status, sync }).toEqual({ status: 201, sync: 'cas' })
    expect(await get('/readyz')).toMatchObject({ status: 200, body: { sync: 'cas' } })
    failFromNow()
    service.clock.advance(tenMinutesMs)
    expect(await get('/readyz')).toMatchObject({ status: 200, body: { ready: true, sync: 'merge' } })
    expect(await get(`/v1/processes/${id}`)).toMatchObject({ status: 200, body: { sync: 'merge' } })
  })

  it('is not ready any more where STATE_CAS=require, although it answers', async () => {
    const { service, get, failFromNow } = serviceOnFailingStore({ STATE_CAS: 'require' })
    expect((await get('/readyz')).status).toBe(200)
    failFromNow()
    service.clock.advance(tenMinutesMs)
    expect(await get('/readyz')).toMatchObject({ status: 503, body: { ready: false, sync: 'merge' } })
  })
})

it('the trial of a store leaves nothing, and is not made again before ten minutes have passed', async () => {
  let puts = 0
  const wrap = (store: ObjectStore): ObjectStore => ({
    ...store,
    put: (...call) => {
      puts += 1
      return store.put(...call)
    },
  })
  const { clock, request, keys } = createService({ wrap })
  const ready = async () => {
    expect((await request('/readyz')).status).toBe(200)
    return puts
  }
  expect(await ready()).toBe(0)
  clock.advance(tenMinutesMs)
  const afterFirst = await ready()
  expect(afterFirst).toBeGreaterThan(10)
  clock.advance(tenMinutesMs - 1)
  expect(await ready()).toBe(afterFirst)
  clock.advance(1_000)
  expect(await ready()).toBe(2 * afterFirst)
  expect(await keys()).toEqual([])
})
