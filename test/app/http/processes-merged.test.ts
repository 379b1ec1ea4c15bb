import { describe, expect, it } from 'vitest'
import { createKeyedMutex } from '../../../src/adapters/checked-conditions/keyed-mutex.ts'
import { createMemoryObjectStore } from '../../../src/adapters/memory/object-store.ts'
import { createDigests } from '../../../src/adapters/node-crypto/digests.ts'
import { createIds } from '../../../src/adapters/web-crypto/ids.ts'
import { encodeEvent, eventKey, type ProcessEvent } from '../../../src/domain/process/merge/process-event.ts'
import { processId } from '../../../src/domain/process/process-state.ts'
import { parseObjectKey } from '../../../src/ports/object-key.ts'
import { createService, createTestClock, startedAtMs, unending } from '../memory-service.ts'
import { expectProblem } from '../problems.ts'
import { processClient } from './processes.ts'
import { withoutConditions } from './without-conditions.ts'

function open(instances = 1) {
  const clock = createTestClock()
  const store = createMemoryObjectStore(clock)
  const services = Array.from({ length: instances }, () =>
    createService({ store, wrap: withoutConditions, clock, ids: createIds(), exclusive: createKeyedMutex() }),
  )
  const clients = services.map(processClient)
  const [client] = clients
  const [service] = services
  if (client === undefined || service === undefined) throw new Error('no instance')
  const events = (line: string) =>
    services.flatMap(({ logLines }) => logLines.map((one) => JSON.parse(one))).filter(({ event }) => event === line)
  return { clock, store, services, service, clients, ...client, events }
}

/** A worker that asked for the first attempt, and was told that it holds it. */
function claimOf(worker: string, second: number): ProcessEvent[] {
  const at = new Date(startedAtMs + second * 1000).toISOString()
  const writeId = `forged-${worker}`
  const common = { operationId: writeId, attempt: 1, at }
  return [
    { kind: 'claim', ...common, writeId, worker },
    { kind: 'confirm', ...common, writeId: `${writeId}-confirmed`, confirmed: writeId },
  ]
}

describe('processes on a store that ignores conditions', () => {
  it('say so in every body, in /readyz and in /v1/capabilities', async () => {
    const { service, made, read, list } = open()
    const { id } = await made()
    expect([await read(id), (await list()).processes[0]]).toMatchObject([{ sync: 'merge' }, { sync: 'merge' }])
    for (const path of ['/readyz', '/v1/capabilities']) {
      expect(await (await service.request(path)).json()).toMatchObject({ sync: 'merge' })
    }
  })

  it('go all the way as they do elsewhere', async () => {
    const { made, claim, reported, cancel, retry, remove, read, get, list } = open()
    const { id } = await made({ name: 'first', config: { a: 1 } })
    expect((await claim(id)).status).toBe(200)
    expect(await reported(id, { seq: 1, status: 'running', step: 5, totalSteps: 10 })).toMatchObject({ applied: true })
    expect(await reported(id, { seq: 1, status: 'failed' })).toMatchObject({ duplicate: true })
    await cancel(id)
    expect(await reported(id, { seq: 2, step: 6, message: 'saving' })).toMatchObject({ cancelRequested: true })
    expect(await reported(id, { seq: 3, status: 'cancelled' })).toMatchObject({ cancelRequested: true })
    expect(await read(id)).toMatchObject({ status: 'cancelled', liveness: 'none', progress: { step: 6, percent: 60 } })
    await retry(id)
    expect(await read(id)).toMatchObject({ status: 'queued', attempt: 2, worker: null, config: { a: 1 } })
    await expectProblem(await claim('none'), 404, 'not-found')
    expect(await reported(id, { attempt: 2, seq: 1, status: 'completed' })).toMatchObject({ applied: true })
    expect(await read(id)).toMatchObject({ status: 'completed' })
    expect((await remove(id)).status).toBe(204)
    await expectProblem(await get(id), 404, 'not-found')
    expect((await list()).processes).toEqual([])
  })

  it('lose no acknowledged report of workers that speak to several instances at once', async () => {
    const { clients, made, read } = open(3)
    const { id } = await made()
    await clients[1]?.claim(id)
    const answers = await Promise.all(
      Array.from({ length: 24 }, (_, i) => clients[i % 3]?.report(id, { seq: i + 1, status: 'running', step: i + 1 })),
    )
    const told = (await Promise.all(answers.map((answer) => answer?.json()))) as { applied: boolean }[]
    const applied = told.filter((one) => one.applied).length
    expect(applied).toBeGreaterThan(0)
    const [first, ...others] = await Promise.all(clients.map((client) => client.read(id)))
    expect(first).toMatchObject({ version: 2 + applied, progress: { step: 24 } })
    for (const other of others) expect(other).toEqual(first)
    expect(await read(id)).toEqual(first)
    const lists = await Promise.all(clients.map((client) => client.list()))
    expect(new Set(lists.map((list) => JSON.stringify(list))).size).toBe(1)
  })

  it.each([1, 3])(
    'are claimed by one of many workers, over %d instances, when the store lists what is there',
    async (n) => {
      const { clients, made, read, events } = open(n)
      const { id } = await made()
      const answers = await Promise.all(Array.from({ length: 50 }, (_, i) => clients[i % n]?.claim(id, `w${i}`)))
      const won = answers.flatMap((answer, i) => (answer?.status === 200 ? [`w${i}`] : []))
      expect(won.length).toBeLessThanOrEqual(1)
      if (n === 1) expect(won).toHaveLength(1)
      expect((await read(id)).worker).toBe(won[0] ?? null)
      expect(await read(id)).not.toHaveProperty('conflicts')
      expect(events('process-held-twice')).toEqual([])
    },
  )

  it('are taken by the first report of one of many workers, and the others are fenced', async () => {
    const { clients, made, read, events } = open(3)
    const { id } = await made()
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, i) => clients[i % 3]?.report(id, { worker: `w${i}`, seq: 1, status: 'running' })),
    )
    const won = answers.flatMap((answer, i) => (answer?.status === 200 ? [`w${i}`] : []))
    expect(won.length).toBeLessThanOrEqual(1)
    for (const answer of answers) {
      if (answer !== undefined && answer.status !== 200) await expectProblem(answer, 409, 'fenced')
    }
    expect((await read(id)).worker).toBe(won[0] ?? null)
    expect(events('process-held-twice')).toEqual([])
  })

  it('are made once of racing requests for one id', async () => {
    const { clients, list } = open(3)
    const answers = await Promise.all(
      clients.map((client, i) => client.create({ id: 'p', type: 'training', name: `n${i}` })),
    )
    const made = answers.filter(({ status }) => status === 201)
    expect(made.length).toBeLessThanOrEqual(1)
    expect((await list()).processes).toHaveLength(made.length)
  })

  it('report two holders of one attempt, and lose no word of either', async () => {
    const { store, clock, made, claim, reported, read, report, events } = open()
    const { id } = await made()
    await claim(id, 'w1')
    await reported(id, { seq: 1, status: 'running', step: 7 })
    for (const forged of claimOf('w2', 3)) {
      await store.put(eventKey(processId(id), forged), encodeEvent(forged, createDigests()), {
        contentType: 'application/json',
        when: 'always',
        signal: unending,
      })
    }
    clock.advance(30_000)
    expect(await read(id)).toMatchObject({
      worker: 'w1',
      progress: { step: 7 },
      conflicts: [{ attempt: 1, workers: ['w1', 'w2'] }],
    })
    expect(events('process-held-twice')).toMatchObject([{ level: 'error', attempt: 1, workers: ['w1', 'w2'] }])
    await expectProblem(await report(id, { worker: 'w2', seq: 1 }), 409, 'fenced')
    expect(await reported(id, { seq: 2, step: 8 })).toMatchObject({ applied: true })
  })

  it('refuse what needs a store that decides', async () => {
    const { made, claim, post, retry, clock, read, cancel } = open()
    const { id } = await made()
    await claim(id)
    clock.advance(60 * 60_000)
    expect(await read(id)).toMatchObject({ liveness: 'lost' })
    await expectProblem(await post(`/${id}/claim`, { worker: 'w2', takeover: true }), 501, 'unsupported-by-store')
    await expectProblem(await retry(id), 501, 'unsupported-by-store')
    // The way out: a lost worker need not answer.
    expect(await (await cancel(id)).json()).toMatchObject({ status: 'cancelled' })
    expect((await retry(id)).status).toBe(200)
    expect(await read(id)).toMatchObject({ status: 'queued', attempt: 2 })
  })

  it('take half an event for none', async () => {
    const { store, made, read, events } = open()
    const { id } = await made()
    const before = await read(id)
    await store.put(parseObjectKey(`processes/state/${id}/torn.json`), new TextEncoder().encode('{"lengthBytes":3'), {
      contentType: 'application/json',
      when: 'always',
      signal: unending,
    })
    expect(await read(id)).toEqual(before)
    expect(events('process-event-torn')).not.toEqual([])
  })
})

it('processes of a store that begins or ceases to decide are there all the same', async () => {
  const clock = createTestClock()
  const store = createMemoryObjectStore(clock)
  const deciding = processClient(createService({ store, clock, ids: createIds() }))
  const merging = processClient(createService({ store, clock, ids: createIds(), wrap: withoutConditions }))
  await merging.made({ id: 'm' })
  await merging.reported('m', { seq: 1, status: 'running', step: 3 })
  await deciding.made({ id: 'd' })
  await deciding.reported('d', { seq: 1, status: 'running', step: 4 })

  expect(await deciding.read('m')).toMatchObject({ sync: 'cas', status: 'running', progress: { step: 3 } })
  expect(await deciding.reported('m', { seq: 2, step: 5 })).toMatchObject({ applied: true })
  expect(await merging.reported('d', { seq: 2, step: 6 })).toMatchObject({ applied: true })
  expect(await merging.reported('d', { seq: 2, step: 6 })).toMatchObject({ duplicate: true })
  expect(await merging.read('m')).toMatchObject({ progress: { step: 5 }, worker: 'w1' })
  expect(await merging.read('d')).toMatchObject({ progress: { step: 6 }, worker: 'w1' })
  expect((await merging.list()).processes).toHaveLength(2)
})
