import { describe, expect, it } from 'vitest'
import { createMemoryObjectStore } from '../../../src/adapters/memory/object-store.ts'
import { createIds } from '../../../src/adapters/web-crypto/ids.ts'
import { StoreUnavailable } from '../../../src/ports/errors.ts'
import type { ObjectStore } from '../../../src/ports/object-store.ts'
import { createService, createTestClock } from '../memory-service.ts'
import { expectProblem } from '../problems.ts'
import { type ProcessJson, processClient } from './processes.ts'

function open({ instances = 1, wrap }: { instances?: number; wrap?: (store: ObjectStore) => ObjectStore } = {}) {
  const clock = createTestClock()
  const store = createMemoryObjectStore(clock)
  const clients = Array.from({ length: instances }, () =>
    processClient(createService({ store, clock, ids: createIds(), ...(wrap && { wrap }) })),
  )
  const [client] = clients
  if (client === undefined) throw new Error('no instance')
  const any = (json: object = {}, headers = {}, by = client) => by.post('/claim', { worker: 'w1', ...json }, headers)
  const taken = async (json: object = {}, headers = {}) => (await (await any(json, headers)).json()) as ProcessJson
  const makeSome = async (...ids: string[]) => {
    for (const id of ids) {
      await client.made({ id })
      clock.advance(1000)
    }
  }
  return { ...client, clock, clients, any, taken, makeSome }
}

describe('POST /v1/processes/claim', () => {
  it('gives the oldest first, and nothing when none is queued', async () => {
    const { any, taken, makeSome, cancel } = open()
    expect((await any()).status).toBe(204)
    await makeSome('a', 'b', 'c')
    await cancel('a')
    expect(await taken()).toMatchObject({ id: 'b', status: 'starting', worker: 'w1', attempt: 1 })
    expect(await taken({ worker: 'w2' })).toMatchObject({ id: 'c', worker: 'w2' })
    const none = await any()
    expect([none.status, await none.text()]).toEqual([204, ''])
  })

  it('gives the types that are asked for', async () => {
    const { any, taken, makeSome, made } = open()
    await makeSome('a')
    await made({ id: 'g', type: 'generation' })
    expect(await taken({ types: ['generation'] })).toMatchObject({ id: 'g' })
    expect((await any({ types: ['generation'] })).status).toBe(204)
    expect(await taken({ types: ['generation', 'training'] })).toMatchObject({ id: 'a' })
    await expectProblem(await any({ types: ['other'] }), 400, 'invalid-request')
    await expectProblem(await any({ types: [] }), 400, 'invalid-request')
    await expectProblem(await any({ worker: '' }), 400, 'invalid-request')
  })

  it('gives each process to exactly one of many workers of several instances', async () => {
    const { any, clients, makeSome, read } = open({ instances: 3 })
    const ids = Array.from({ length: 12 }, (_, i) => `p${i}`)
    await makeSome(...ids)
    const answers = await Promise.all(
      Array.from({ length: 24 }, (_, i) => any({ worker: `w${i}` }, {}, clients[i % 3])),
    )
    const won = await Promise.all(
      answers.filter(({ status }) => status === 200).map(async (answer) => (await answer.json()) as ProcessJson),
    )
    expect(answers.filter(({ status }) => status === 204)).toHaveLength(12)
    expect(won.map(({ id }) => id).sort()).toEqual([...ids].sort())
    expect(new Set(won.map(({ worker }) => worker)).size).toBe(12)
    for (const { id, worker } of won) expect(await read(id)).toMatchObject({ worker, attempt: 1, version: 2 })
  })

  it('answers a repetition under the same Idempotency-Key with the same process', async () => {
    const { taken, makeSome } = open()
    await makeSome('a', 'b')
    const key = { 'Idempotency-Key': 'k' }
    const first = await taken({}, key)
    expect(await taken({}, key)).toEqual(first)
    expect(await taken({}, { 'Idempotency-Key': 'other' })).toMatchObject({ id: 'b' })
  })

  it('says that it does not know, and takes the same key again', async () => {
    let answersAreLost = false
    const { any, taken, makeSome, clock, list } = open({
      wrap: (store) => ({
        ...store,
        async put(key, body, options) {
          const outcome = await store.put(key, body, options)
          if (!answersAreLost) return outcome
          clock.advance(20_000)
          return { outcome: 'unknown', cause: new StoreUnavailable('the answer was lost') }
        },
        async get(key, options) {
          if (answersAreLost && clock.nowMs() % 7 === 1) throw new StoreUnavailable('down')
          return await store.get(key, options)
        },
      }),
    })
    await makeSome('a', 'b')
    answersAreLost = true
    await expectProblem(await any({}, { 'Idempotency-Key': 'k' }), 503, 'store-unavailable')
    answersAreLost = false
    expect(await taken({}, { 'Idempotency-Key': 'k' })).toMatchObject({ id: 'a', worker: 'w1' })
    expect((await list()).processes.filter(({ status }) => status === 'queued')).toHaveLength(1)
  })
})

describe('taking over', () => {
  const lostMs = 60 * 60_000

  it('succeeds only on a lost attempt, once, and fences late words of the old one', async () => {
    const { makeSome, claim, post, reported, report, read, clock } = open()
    await makeSome('a')
    await claim('a', 'w1')
    const takeover = (worker: string) => post('/a/claim', { worker, takeover: true })
    await expectProblem(await takeover('w2'), 409, 'already-claimed')
    await reported('a', { seq: 1, status: 'running', step: 1 })
    clock.advance(lostMs)
    const answers = await Promise.all(['w2', 'w3', 'w4'].map(takeover))
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409])
    expect(await read('a')).toMatchObject({ attempt: 2, status: 'starting', liveness: 'alive' })
    await expectProblem(await report('a', { seq: 2, status: 'completed' }), 409, 'fenced')
  })

  it('fails when the worker speaks between the look and the write', async () => {
    let between: (() => Promise<unknown>) | undefined
    const { makeSome, claim, post, reported, read, clock } = open({
      wrap: (store) => ({
        ...store,
        async put(key, body, options) {
          const speak = between
          between = undefined
          await speak?.()
          return await store.put(key, body, options)
        },
      }),
    })
    await makeSome('a')
    await claim('a', 'w1')
    clock.advance(lostMs)
    between = () => reported('a', { seq: 1, status: 'running' })
    await expectProblem(await post('/a/claim', { worker: 'w2', takeover: true }), 409, 'already-claimed')
    expect(await read('a')).toMatchObject({ attempt: 1, worker: 'w1', liveness: 'alive' })
  })
})
