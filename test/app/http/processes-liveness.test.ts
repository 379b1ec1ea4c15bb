import { describe, expect, it } from 'vitest'
import { createMemoryObjectStore } from '../../../src/adapters/memory/object-store.ts'
import { createIds } from '../../../src/adapters/web-crypto/ids.ts'
import { countCalls } from '../counted-store.ts'
import { createService, createTestClock } from '../memory-service.ts'
import { expectProblem } from '../problems.ts'
import { processClient } from './processes.ts'

const hourMs = 60 * 60_000

/** Instances whose own clocks are wrong by that much, on a store with a clock of its own. */
function open(...skewsMs: number[]) {
  const storeClock = createTestClock()
  const memory = createMemoryObjectStore(storeClock)
  const store = { ...memory, nowMs: storeClock.nowMs }
  const counted = countCalls()
  const clients = skewsMs.map((skewMs) => {
    const clock = { ...storeClock, nowMs: () => storeClock.nowMs() + skewMs }
    return processClient(createService({ store, clock, ids: createIds(), wrap: counted.wrap }))
  })
  const [client] = clients
  if (client === undefined) throw new Error('no instance')
  const beat = (id: string, json: object) => client.post(`/${id}/heartbeats`, json)
  return { ...client, clients, beat, counted, advance: storeClock.advance }
}

const liveness = async (clients: ReturnType<typeof open>['clients'], id: string) =>
  await Promise.all(clients.map(async (client) => (await client.read(id)).liveness))

describe('liveness', () => {
  it('is a change to who asks for changes, and none to who names the version that he wants to change', async () => {
    const { made, claim, reported, get, cancel, advance } = open(0)
    const { id } = await made()
    await claim(id)
    await reported(id, { seq: 0, status: 'running', expectNextInSeconds: 30 })
    const etag = `${(await get(id)).headers.get('etag')}`
    const asked = async () => (await get(id, { 'if-none-match': etag })).status
    expect(await asked()).toBe(304)
    advance(100_000)
    expect(await asked()).toBe(200)
    const stalled = await get(id)
    expect(stalled.headers.get('etag')).not.toBe(etag)
    advance(3_600_000)
    expect((await cancel(id, { 'if-match': `${stalled.headers.get('etag')}` })).status).toBe(200)
    expect((await cancel(id, { 'if-match': etag })).status).toBe(412)
  })

  it('is measured by the clock of the store, whatever the instances believe', async () => {
    const { clients, claim, reported, advance } = open(0, hourMs, -hourMs)
    const { id } = (await clients[1]?.made()) ?? { id: '' }
    await claim(id)
    for (const client of clients) {
      await client.reported(id, { seq: clients.indexOf(client), status: 'running', expectNextInSeconds: 30 })
      expect(await liveness(clients, id)).toEqual(['alive', 'alive', 'alive'])
    }
    advance(100_000)
    expect(await liveness(clients, id)).toEqual(['stalled', 'stalled', 'stalled'])
    await clients[2]?.cancel(id)
    advance(100_000)
    expect(await liveness(clients, id)).toEqual(['lost', 'lost', 'lost'])
    await reported(id, { seq: 9 })
    expect(await liveness(clients, id)).toEqual(['alive', 'alive', 'alive'])
  })

  it('is kept by heartbeats, which raise no version and bring the worker a cancel', async () => {
    const { made, claim, reported, beat, cancel, read, get, list, advance, post } = open(0)
    const { id } = await made()
    await claim(id)
    const { version } = await reported(id, { seq: 1, status: 'running', expectNextInSeconds: 10 })
    const etag = (await get(id)).headers.get('etag')
    for (let i = 0; i < 20; i++) {
      advance(60_000)
      const answer = await beat(id, { worker: 'w1', attempt: 1 })
      expect(await answer.json()).toEqual({ cancelRequested: false, version })
    }
    expect(await read(id)).toMatchObject({ liveness: 'alive', version })
    expect((await list()).processes[0]).toMatchObject({ liveness: 'alive' })
    expect((await get(id)).headers.get('etag')).toBe(etag)
    await expectProblem(await post(`/${id}/claim`, { worker: 'w2', takeover: true }), 409, 'already-claimed')
    await cancel(id)
    expect(await (await beat(id, { worker: 'w1', attempt: 1 })).json()).toMatchObject({ cancelRequested: true })
    advance(hourMs)
    expect(await read(id)).toMatchObject({ liveness: 'lost' })
  })

  it('hears no heartbeat of an attempt that is over, or of another worker', async () => {
    const { made, claim, beat, post, read, advance } = open(0)
    const { id } = await made()
    await expectProblem(await beat(id, { worker: 'w1', attempt: 1 }), 409, 'fenced')
    await claim(id)
    advance(hourMs)
    expect((await post(`/${id}/claim`, { worker: 'w2', takeover: true })).status).toBe(200)
    await expectProblem(await beat(id, { worker: 'w1', attempt: 1 }), 409, 'fenced')
    await expectProblem(await beat(id, { worker: 'w1', attempt: 2 }), 409, 'fenced')
    await expectProblem(await beat('none', { worker: 'w1', attempt: 1 }), 404, 'not-found')
    advance(hourMs)
    expect(await read(id)).toMatchObject({ liveness: 'lost', attempt: 2 })
  })

  it('asks for no heartbeat while the reports alone say that the worker is alive', async () => {
    const { made, claim, read, counted } = open(0)
    const { id } = await made()
    await claim(id)
    counted.reset()
    await read(id)
    expect(counted.calls).toEqual([
      { call: 'get', key: `processes/state/${id}.json` },
      { call: 'list', key: `processes/state/${id}/` },
    ])
  })
})
