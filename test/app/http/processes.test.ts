import { describe, expect, it } from 'vitest'
import { pulledBody, slices, streamed } from '../bodies.ts'
import { createService, type ServiceOptions } from '../memory-service.ts'
import { expectProblem } from '../problems.ts'
import { processClient } from './processes.ts'

function open(options: ServiceOptions = {}) {
  const service = createService(options)
  return { service, clock: service.clock, ...processClient(service) }
}

describe('POST /v1/processes', () => {
  it('queues a process and says all about it', async () => {
    const { create, get } = open()
    const config = { steps: 1000, nested: { a: [1, null, 'x'] } }
    const answer = await create({ id: 'p1', type: 'training', name: ' first ', dataset: 'matt', config })
    expect(answer.status).toBe(201)
    expect(answer.headers.get('location')).toBe('/v1/processes/p1')
    const now = '2026-03-01T12:00:00.000Z'
    const made = await answer.json()
    expect(made).toEqual({
      id: 'p1',
      type: 'training',
      name: 'first',
      status: 'queued',
      liveness: 'none',
      cancelRequested: false,
      attempt: 1,
      worker: null,
      progress: { step: 0, totalSteps: null, percent: null, etaSeconds: null },
      metrics: {},
      message: null,
      dataset: 'matt',
      config,
      error: null,
      version: 1,
      createdAt: now,
      updatedAt: now,
      startedAt: null,
      endedAt: null,
      sync: 'cas',
    })
    const read = await get('p1')
    expect(await read.json()).toEqual(made)
    expect(read.headers.get('etag')).toBe(answer.headers.get('etag'))
    expect(answer.headers.get('etag')).toMatch(/^"[^"]+"$/)
  })

  it('makes up an id, which is also the name', async () => {
    const { made } = open()
    const [first, second] = [await made(), await made()]
    expect(first.id).toMatch(/^[a-z0-9]{20,}$/)
    expect(first.name).toBe(first.id)
    expect(second.id).not.toBe(first.id)
  })

  it('refuses an id that is taken', async () => {
    const { create, made } = open()
    await made({ id: 'p1' })
    await expectProblem(await create({ id: 'p1', type: 'training' }), 409, 'conflict')
  })

  it('answers a repetition under the same Idempotency-Key with the first result', async () => {
    const { made, create, list } = open()
    for (const json of [{}, { id: 'p1' }]) {
      const key = { 'Idempotency-Key': `k-${JSON.stringify(json)}` }
      const first = await made({ ...json, name: 'first' }, key)
      expect(await made({ ...json, name: 'second' }, key)).toEqual(first)
    }
    expect((await list()).processes).toHaveLength(2)
    await expectProblem(await create({ id: 'p1', type: 'training' }, { 'Idempotency-Key': 'other' }), 409, 'conflict')
  })

  it('makes one process of racing repetitions, and two of different keys', async () => {
    const { made, list } = open()
    const keyed = (key: string) => made({}, { 'Idempotency-Key': key })
    const all = await Promise.all(['a', 'a', 'b', 'a', 'b', 'a'].map(keyed))
    expect(new Set(all.map(({ id }) => id)).size).toBe(2)
    expect((await list()).processes).toHaveLength(2)
  })

  it.each([
    [{}, 'type'],
    [{ type: 'other' }, 'type'],
    [{ type: 'training', id: 'a/b' }, 'id'],
    [{ type: 'training', id: '' }, 'id'],
    [{ type: 'training', id: '-a' }, 'id'],
    [{ type: 'training', id: 'x'.repeat(65) }, 'id'],
    [{ type: 'training', dataset: '../x' }, 'dataset'],
    [{ type: 'training', name: ' ' }, 'name'],
    [{ type: 'training', name: 'x'.repeat(201) }, 'name'],
    [{ type: 'training', config: [] }, 'config'],
    [{ type: 'training', unknown: 1 }, ''],
  ])('names what is wrong in %j', async (json, path) => {
    const { create, service } = open()
    const answer = await create(json)
    expect(answer.status).toBe(400)
    const problem = (await answer.json()) as { errors: { path: string }[] }
    expect(problem.errors.map((error) => error.path)).toEqual([path])
    expect(await service.keys()).toEqual([])
  })

  it('refuses a config that is nested without end', async () => {
    const { service } = open()
    const deep = 50_000
    const answer = await service.request('/v1/processes', {
      method: 'POST',
      body: `{"type":"training","config":{"a":${'['.repeat(deep)}${']'.repeat(deep)}}}`,
      headers: { 'content-type': 'application/json' },
    })
    await expectProblem(answer, 400, 'invalid-request')
  })

  it('refuses what is not JSON, or does not say so', async () => {
    const { service } = open()
    const send = (body: string, type?: string) =>
      service.request('/v1/processes', {
        method: 'POST',
        body,
        headers: type === undefined ? {} : { 'content-type': type },
      })
    await expectProblem(await send('{"type":', 'application/json'), 400, 'invalid-request')
    await expectProblem(await send('', 'application/json'), 400, 'invalid-request')
    await expectProblem(await send('{"type":"training"}'), 415, 'unsupported-type')
    await expectProblem(await send('{"type":"training"}', 'text/plain'), 415, 'unsupported-type')
    expect((await send('{"type":"training"}', 'application/json; charset=utf-8')).status).toBe(201)
  })
})

describe('GET /v1/processes/{id}', () => {
  it('answers 304 while nothing has changed', async () => {
    const { made, get, claim } = open()
    const { id } = await made()
    const etag = `${(await get(id)).headers.get('etag')}`
    const same = await get(id, { 'If-None-Match': etag })
    expect([same.status, await same.text(), same.headers.get('etag')]).toEqual([304, '', etag])
    expect((await get(id, { 'If-None-Match': `"x", W/${etag}` })).status).toBe(304)
    await claim(id)
    expect((await get(id, { 'If-None-Match': etag })).status).toBe(200)
  })

  it('finds nothing under an id that is not there, and refuses what is no id', async () => {
    const { get } = open()
    await expectProblem(await get('none'), 404, 'not-found')
    for (const bad of ['a.b', 'a%2Fb', '%00', 'x'.repeat(65), '%E2%80%AE']) {
      const problem = await expectProblem(await get(bad), 400, 'invalid-name')
      expect(problem.errors?.map(({ path }) => path)).toEqual(['id'])
    }
  })
})

describe('POST /v1/processes/{id}/claim', () => {
  it('gives a queued process to one worker of many', async () => {
    const { made, claim, read } = open()
    const { id } = await made()
    const answers = await Promise.all(Array.from({ length: 8 }, (_, i) => claim(id, `w${i}`)))
    const won = answers.findIndex(({ status }) => status === 200)
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409, 409, 409, 409, 409])
    expect(await read(id)).toMatchObject({ status: 'starting', worker: `w${won}`, attempt: 1, version: 2 })
    await expectProblem(await claim(id, 'late'), 409, 'already-claimed')
  })

  it('answers a repetition under the same Idempotency-Key alike', async () => {
    const { made, claim, read } = open()
    const { id } = await made()
    const key = { 'Idempotency-Key': 'mine' }
    expect((await claim(id, 'w1', key)).status).toBe(200)
    expect((await claim(id, 'w1', key)).status).toBe(200)
    expect(await read(id)).toMatchObject({ version: 2 })
  })

  it('refuses what is not a worker, and finds no process that is not there', async () => {
    const { made, post, claim } = open()
    const { id } = await made()
    for (const worker of ['', 'a b', 'x'.repeat(129), 'é', 1]) {
      await expectProblem(await post(`/${id}/claim`, { worker }), 400, 'invalid-request')
    }
    await expectProblem(await claim('none'), 404, 'not-found')
  })
})

describe('POST /v1/processes/{id}/reports', () => {
  it('moves a process on, and tells the worker what it must know', async () => {
    const { made, reported, read, clock } = open()
    const { id } = await made()
    expect(await reported(id, { seq: 1 })).toEqual({
      applied: true,
      duplicate: false,
      cancelRequested: false,
      version: 2,
    })
    expect(await read(id)).toMatchObject({ status: 'starting', worker: 'w1', liveness: 'alive' })
    clock.advance(10_000)
    await reported(id, {
      seq: 2,
      status: 'running',
      step: 10,
      totalSteps: 40,
      metrics: { loss: 0.5 },
      message: 'on it',
    })
    expect(await read(id)).toMatchObject({
      status: 'running',
      progress: { step: 10, totalSteps: 40, percent: 25, etaSeconds: 30 },
      metrics: { loss: 0.5 },
      message: 'on it',
      startedAt: '2026-03-01T12:00:00.000Z',
    })
    await reported(id, { seq: 3, status: 'failed', error: { code: 'oom', message: 'out of memory' } })
    expect(await read(id)).toMatchObject({
      status: 'failed',
      liveness: 'none',
      error: { code: 'oom', message: 'out of memory' },
      endedAt: '2026-03-01T12:00:10.000Z',
    })
  })

  it('takes a re-sent seq for a duplicate, also after the end', async () => {
    const { made, reported, read } = open()
    const { id } = await made()
    await reported(id, { seq: 1, status: 'running', step: 1 })
    expect(await reported(id, { seq: 1, status: 'failed', step: 99 })).toMatchObject({
      duplicate: true,
      applied: false,
    })
    await reported(id, { seq: 2, status: 'completed' })
    expect(await reported(id, { seq: 2, status: 'completed' })).toMatchObject({ duplicate: true, version: 3 })
    expect(await read(id)).toMatchObject({ status: 'completed', version: 3, progress: { step: 1, percent: 100 } })
  })

  it('fences other workers and other attempts', async () => {
    const { made, claim, report, retry, reported } = open()
    const { id } = await made()
    await claim(id, 'w1')
    await expectProblem(await report(id, { worker: 'w2', seq: 1 }), 409, 'fenced')
    await expectProblem(await report(id, { attempt: 2, seq: 1 }), 409, 'fenced')
    await reported(id, { seq: 1, status: 'failed' })
    expect((await retry(id)).status).toBe(200)
    await expectProblem(await report(id, { seq: 2, status: 'running' }), 409, 'fenced')
    expect(await reported(id, { worker: 'w3', attempt: 2, seq: 1 })).toMatchObject({ applied: true })
  })

  it('refuses what cannot follow', async () => {
    const { made, reported, report } = open()
    const { id } = await made()
    await reported(id, { seq: 1, status: 'running' })
    await expectProblem(await report(id, { seq: 2, status: 'starting' }), 409, 'illegal-transition')
    await reported(id, { seq: 2, status: 'completed' })
    await expectProblem(await report(id, { seq: 3, status: 'running' }), 409, 'illegal-transition')
    await expectProblem(await report('none', { seq: 1 }), 404, 'not-found')
  })

  it.each([
    [{ seq: -1 }, 'seq'],
    [{ seq: 1.5 }, 'seq'],
    [{}, 'seq'],
    [{ seq: 1, attempt: 0 }, 'attempt'],
    [{ seq: 1, status: 'queued' }, 'status'],
    [{ seq: 1, step: -1 }, 'step'],
    [{ seq: 1, totalSteps: 0 }, 'totalSteps'],
    [{ seq: 1, metrics: { loss: 'x' } }, 'metrics.loss'],
    [{ seq: 1, metrics: Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`m${i}`, i])) }, 'metrics'],
    [{ seq: 1, message: 'x'.repeat(2001) }, 'message'],
    [{ seq: 1, expectNextInSeconds: 0 }, 'expectNextInSeconds'],
    [{ seq: 1, error: { code: 'x' } }, 'error.message'],
  ])('names what is wrong in %j', async (json, path) => {
    const { made, report, read } = open()
    const { id } = await made()
    const problem = await expectProblem(await report(id, json), 400, 'invalid-request')
    expect(problem.errors?.map((error) => error.path)).toEqual([path])
    expect(await read(id)).toMatchObject({ version: 1 })
  })

  it('loses nothing of 24 that arrive at once with cancels among them', async () => {
    const { made, claim, report, cancel, read } = open()
    const { id } = await made()
    await claim(id)
    const answers = await Promise.all([
      ...Array.from({ length: 24 }, (_, i) => report(id, { seq: i + 1, status: 'running', step: i + 1 })),
      ...Array.from({ length: 6 }, () => cancel(id)),
    ])
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 30 }, () => 200))
    const told = (await Promise.all(answers.slice(0, 24).map((answer) => answer.json()))) as {
      applied: boolean
      duplicate: boolean
      version: number
    }[]
    const applied = told.filter((one) => one.applied)
    expect(told.every((one) => one.applied !== one.duplicate)).toBe(true)
    expect(new Set(applied.map(({ version }) => version)).size).toBe(applied.length)
    // Created, claimed, and one change for the six cancels.
    expect(await read(id)).toMatchObject({
      version: 2 + 1 + applied.length,
      cancelRequested: true,
      status: 'running',
      progress: { step: 24 },
    })
  })

  it('is seen by every later read on every instance', async () => {
    const { service, made, reported } = open()
    const other = processClient(createService({ store: service.store, clock: service.clock }))
    const { id } = await made()
    for (let seq = 1; seq <= 5; seq++) {
      const { version } = await reported(id, { seq, step: seq })
      expect(await other.read(id)).toMatchObject({ version, progress: { step: seq } })
      expect((await other.list()).processes[0]).toMatchObject({ version })
    }
  })
})

describe('POST /v1/processes/{id}/cancel and /retry', () => {
  it('end a queued process at once, and ask the worker of a claimed one', async () => {
    const { made, cancel, claim, reported, read } = open()
    const [queued, claimed] = [(await made()).id, (await made()).id]
    await cancel(queued)
    expect(await read(queued)).toMatchObject({ status: 'cancelled', liveness: 'none' })
    await claim(claimed)
    await cancel(claimed)
    expect(await read(claimed)).toMatchObject({ status: 'starting', cancelRequested: true })
    expect(await reported(claimed, { seq: 1, status: 'cancelled' })).toMatchObject({ cancelRequested: true })
    expect(await read(claimed)).toMatchObject({ status: 'cancelled' })
  })

  it('have no second effect when they are repeated', async () => {
    const { made, cancel, retry, read } = open()
    const { id } = await made()
    const key = { 'Idempotency-Key': 'k' }
    await cancel(id, key)
    await retry(id, key)
    expect((await cancel(id, key)).status).toBe(200)
    expect((await retry(id, key)).status).toBe(200)
    expect(await read(id)).toMatchObject({ status: 'queued', attempt: 2, version: 3 })
  })

  it('are refused where there is no such arrow', async () => {
    const { made, cancel, retry, reported } = open()
    const { id } = await made()
    await expectProblem(await retry(id), 409, 'illegal-transition')
    await reported(id, { seq: 1, status: 'running' })
    await expectProblem(await retry(id), 409, 'illegal-transition')
    await reported(id, { seq: 2, status: 'completed' })
    await expectProblem(await retry(id), 409, 'illegal-transition')
    await expectProblem(await cancel(id), 409, 'illegal-transition')
    await expectProblem(await cancel('none'), 404, 'not-found')
    await expectProblem(await retry('none'), 404, 'not-found')
  })

  it('begin again what was lost, once for all who ask', async () => {
    const { made, claim, reported, retry, read, report, clock } = open()
    const { id } = await made()
    await claim(id)
    await reported(id, { seq: 1, status: 'running', expectNextInSeconds: 30 })
    clock.advance(150_000)
    expect(await read(id)).toMatchObject({ liveness: 'stalled' })
    await expectProblem(await retry(id), 409, 'illegal-transition')
    clock.advance(1_000)
    expect(await read(id)).toMatchObject({ liveness: 'lost' })
    const answers = await Promise.all([retry(id), retry(id), retry(id)])
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409])
    expect(await read(id)).toMatchObject({ status: 'queued', attempt: 2, worker: null })
    await expectProblem(await report(id, { seq: 2 }), 409, 'fenced')
  })

  it('do not make a silent worker look alive', async () => {
    const { made, claim, reported, cancel, read, clock } = open()
    const { id } = await made()
    await claim(id)
    await reported(id, { seq: 1, status: 'running', expectNextInSeconds: 30 })
    clock.advance(200_000)
    await cancel(id)
    expect(await read(id)).toMatchObject({ liveness: 'lost', cancelRequested: true })
    await reported(id, { seq: 2 })
    expect(await read(id)).toMatchObject({ liveness: 'alive' })
  })

  it('take an Idempotency-Key of visible ASCII only', async () => {
    const { made, cancel } = open()
    const { id } = await made()
    await expectProblem(await cancel(id, { 'Idempotency-Key': 'a b' }), 400, 'invalid-request')
  })
})

describe('DELETE /v1/processes/{id}', () => {
  it('removes what has ended and nothing else; results stay', async () => {
    const { service, made, remove, cancel, get } = open()
    const { id } = await made()
    await service.request(`/v1/objects/results/${id}/lora/m.safetensors`, { method: 'PUT', body: 'x' })
    await expectProblem(await remove(id), 409, 'illegal-transition')
    await cancel(id)
    expect((await remove(id)).status).toBe(204)
    await expectProblem(await get(id), 404, 'not-found')
    // A mark stays in its place, so that a write which is still on its way cannot bring it back.
    expect(await service.keys()).toEqual([`processes/state/${id}.json`, `results/${id}/lora/m.safetensors`])
    expect(JSON.parse(`${await service.text(`processes/state/${id}.json`)}`)).toMatchObject({
      deleted: true,
      config: {},
    })
  })

  it('frees the id', async () => {
    const { made, remove, cancel, list, read } = open()
    await made({ id: 'p', name: 'first' })
    await cancel('p')
    await remove('p')
    expect((await list()).processes).toEqual([])
    await made({ id: 'p', name: 'second' })
    // Attempts go on, so that late words of a worker of the first one are fenced.
    expect(await read('p')).toMatchObject({ name: 'second', status: 'queued', attempt: 2 })
  })

  it('is safe to repeat', async () => {
    const { made, remove, cancel } = open()
    const { id } = await made()
    await cancel(id)
    expect((await remove(id)).status).toBe(204)
    expect((await remove(id)).status).toBe(204)
  })
})

describe('a JSON body', () => {
  it.each([true, false])('of more than 6 MiB is not read into memory (announced: %s)', async (announced) => {
    const { service } = open()
    const chunk = new Uint8Array(2 ** 20).fill(0x20)
    const body = pulledBody(Array.from({ length: 32 }, () => chunk))
    const answer = await service.request('/v1/processes', {
      method: 'POST',
      body: body.stream,
      headers: { 'content-type': 'application/json', ...(announced ? { 'content-length': `${32 * 2 ** 20}` } : {}) },
    })
    await expectProblem(answer, 413, 'too-large')
    expect(body.pulledBytes()).toBeLessThanOrEqual(announced ? 0 : 8 * 2 ** 20)
  })

  it('of just under 6 MiB is read, in pieces too', async () => {
    const { service } = open()
    const json = JSON.stringify({ keys: Array.from({ length: 1000 }, (_, i) => `files/${`${i}/`.padEnd(800, 'é')}`) })
    const escaped = json.replace(/é/g, '\\u00e9')
    expect(escaped.length).toBeGreaterThan(3 * 2 ** 20)
    const answer = await service.request('/v1/objects/delete', {
      method: 'POST',
      body: streamed(slices(new TextEncoder().encode(escaped), 100_003)),
      headers: { 'content-type': 'application/json' },
    })
    // Read and understood: the keys are too long, and each one is named.
    const problem = await expectProblem(answer, 400, 'invalid-request')
    expect(problem.errors).toHaveLength(1000)
  })
})
