import { describe, expect, it } from 'vitest'
import { createMemoryObjectStore } from '../../../src/adapters/memory/object-store.ts'
import { createIds } from '../../../src/adapters/web-crypto/ids.ts'
import type { ObjectStore } from '../../../src/ports/object-store.ts'
import { countCalls } from '../counted-store.ts'
import { createService, createTestClock } from '../memory-service.ts'
import { expectProblem } from '../problems.ts'
import { processClient } from './processes.ts'
import { withoutConditions } from './without-conditions.ts'

interface Series {
  readonly points: readonly { seq: number; step: number; at: string; metrics: Record<string, number> }[]
  readonly nextAfter: number | null
}

function open(wrap: (store: ObjectStore) => ObjectStore = (store) => store) {
  const clock = createTestClock()
  const store = createMemoryObjectStore(clock)
  const counted = countCalls()
  const service = createService({ store, clock, ids: createIds(), wrap: (one) => counted.wrap(wrap(one)) })
  const client = processClient(service)
  const series = async (id: string, query = '') =>
    (await (await service.request(`/v1/processes/${id}/metrics${query}`)).json()) as Series
  return { ...client, service, clock, counted, series }
}

const lossAt = (step: number) => Math.round(1e6 / (step + 1)) / 1e6

describe.each([
  ['cas', undefined],
  ['merge', withoutConditions],
] as const)('GET /v1/processes/{id}/metrics (%s)', (_, wrap) => {
  it('gives a point for each report that measured something', async () => {
    const { made, reported, series } = open(wrap)
    const { id } = await made()
    expect(await series(id)).toEqual({ points: [], nextAfter: null })
    await reported(id, { seq: 1, status: 'running', step: 10, metrics: { loss: 0.5, lr: 1e-4 } })
    await reported(id, { seq: 2, message: 'no news' })
    await reported(id, { seq: 3, step: 20, metrics: { loss: 0.25 } })
    await reported(id, { seq: 3, step: 99, metrics: { loss: 9 } })
    const at = '2026-03-01T12:00:00.000Z'
    expect(await series(id)).toEqual({
      points: [
        { seq: 1, step: 10, at, metrics: { loss: 0.5, lr: 1e-4 } },
        { seq: 3, step: 20, at, metrics: { loss: 0.25 } },
      ],
      nextAfter: 3,
    })
    expect((await series(id, '?after=1')).points.map(({ seq }) => seq)).toEqual([3])
    expect(await series(id, '?after=3')).toEqual({ points: [], nextAfter: 3 })
  })

  it('keeps the series of each attempt, whole, over many pages', async () => {
    const { made, reported, retry, series } = open(wrap)
    const { id } = await made()
    const perReport = 50
    for (let seq = 1; seq <= 12; seq++) {
      const points = Array.from({ length: perReport }, (_, i) => {
        const step = (seq - 1) * perReport + i
        return { step, metrics: { loss: lossAt(step) } }
      })
      await reported(id, { seq, status: seq === 12 ? 'failed' : 'running', points })
    }
    await retry(id)
    await reported(id, { worker: 'w2', attempt: 2, seq: 1, status: 'running', step: 1, metrics: { loss: 7 } })
    expect((await series(id)).points).toMatchObject([{ seq: 1, step: 1, metrics: { loss: 7 } }])
    const steps: number[] = []
    let after = -1
    for (;;) {
      const { points, nextAfter } = await series(id, `?attempt=1&limit=120&after=${after}`)
      if (points.length === 0) break
      for (const { step, metrics } of points) expect(metrics).toEqual({ loss: lossAt(step) })
      steps.push(...points.map(({ step }) => step))
      after = nextAfter ?? 0
    }
    expect(steps).toEqual(Array.from({ length: 12 * perReport }, (_, i) => i))
  })

  it('finds no process that is not there', async () => {
    const { service } = open(wrap)
    await expectProblem(await service.request('/v1/processes/none/metrics'), 404, 'not-found')
    await expectProblem(await service.request('/v1/processes/none/metrics?after=x'), 400, 'invalid-request')
  })
})

it('a loss curve of 100,000 steps is cheap to write and to read', { timeout: 120_000 }, async () => {
  const { made, reported, series, counted, service } = open()
  const { id } = await made()
  const [reports, perReport] = [250, 400]
  counted.reset()
  for (let seq = 1; seq <= reports; seq++) {
    const points = Array.from({ length: perReport }, (_, i) => ({ step: seq * perReport + i, metrics: { loss: 0.5 } }))
    await reported(id, { seq, status: 'running', points })
  }
  // The state, and a chunk for what it carries no more.
  expect(counted.writes().length).toBeLessThanOrEqual(2 * reports)
  const state = `${await service.text(`processes/state/${id}.json`)}`
  expect(state.length).toBeLessThan(64 * 1024)
  counted.reset()
  const { points, nextAfter } = await series(id, '?after=200&limit=1000')
  expect([points[0]?.seq, nextAfter, points.length]).toEqual([201, 203, 3 * perReport])
  expect(counted.calls.length).toBeLessThanOrEqual(8)
})

it('a deletion takes the series and heartbeats along, and a process made later does not inherit them', async () => {
  const { made, reported, post, remove, series, service, clock } = open()
  await made({ id: 'p' })
  const points = Array.from({ length: 300 }, (_, step) => ({ step, metrics: { loss: 1 } }))
  for (const seq of [1, 2]) await reported('p', { seq, status: 'running', points })
  await post('/p/heartbeats', { worker: 'w1', attempt: 1 })
  await reported('p', { seq: 3, status: 'completed' })
  expect(await service.keys('processes/metrics/')).not.toEqual([])
  await remove('p')
  expect(await service.keys('processes/')).toEqual(['processes/state/p.json'])
  clock.advance(1000)
  await made({ id: 'p' })
  expect(await series('p')).toEqual({ points: [], nextAfter: null })
})

it('two instances that spill the same points lose none', async () => {
  const { service, clock, made, series } = open()
  const { id } = await made()
  const others = [1, 2, 3].map(() => processClient(createService({ store: service.store, clock, ids: createIds() })))
  const points = (seq: number) => Array.from({ length: 60 }, (_, i) => ({ step: seq * 60 + i, metrics: { loss: 1 } }))
  const applied = new Set<number>()
  for (let round = 0; round < 10; round++) {
    const told = await Promise.all(
      others.map(async (other, i) => {
        const seq = round * 3 + i + 1
        return { seq, ...(await other.reported(id, { seq, status: 'running', points: points(seq) })) }
      }),
    )
    for (const { seq, applied: isApplied } of told) if (isApplied) applied.add(seq)
  }
  const seen = (await series(id, '?limit=10000')).points
  expect([...new Set(seen.map(({ seq }) => seq))]).toEqual([...applied].sort((a, b) => a - b))
  expect(seen).toHaveLength(applied.size * 60)
})
