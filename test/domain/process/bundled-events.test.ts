import { describe, expect, it } from 'vitest'
import { deleteProcess } from '../../../src/domain/process/delete-process.ts'
import { StoreUnavailable } from '../../../src/ports/errors.ts'
import { id, openInstances, options } from './two-ways.ts'

const hourMs = 60 * 60_000
const reports = 150

/** A process that came to its end with many reports, on a store that cannot decide. */
async function open() {
  const stage = openInstances()
  const one = stage.merging()
  await one.create()
  for (let seq = 0; seq < reports; seq++) await one.report(seq)
  await one.report(reports, { status: 'completed', metrics: { loss: 0.5 } })
  const list = (instance = stage.merging()) => instance.ledger.readAll(options)
  return { ...stage, one, list }
}

describe('the events of a process that is quiet', () => {
  it('are bundled by a list, read as one object, and removed a day later', async () => {
    const { one, list, clock, costOf, keys, merging, deciding } = await open()
    clock.advance(2 * hourMs)
    const before = await list(one)
    expect(await costOf(() => list())).toMatchObject({ get: 1 })
    clock.advance(23 * hourMs)
    await list()
    expect((await keys()).length).toBeGreaterThan(reports)
    clock.advance(2 * hourMs)
    await list()
    expect(await keys()).toEqual([expect.stringMatching(/\/bundle-[^/]+\.json$/)])
    for (const instance of [one, merging()]) {
      expect(await list(instance)).toEqual(before)
      expect(await instance.ledger.series(id, seriesRequest, options)).toMatchObject([{ metrics: { loss: 0.5 } }])
    }
    expect(await deciding().read()).toMatchObject({ state: { status: 'completed', lastSeq: reports } })
    expect(await one.report(reports)).toMatchObject({ repeated: true })
  })

  it('are left alone while the process is not', async () => {
    const { list, clock, keys } = await open()
    const before = await keys()
    clock.advance(hourMs / 2)
    await list()
    expect(await keys()).toEqual(before)
  })

  it('are listed all the same when they cannot be bundled, and that is not tried again at once', async () => {
    const { clock, memory, merging, list } = await open()
    clock.advance(2 * hourMs)
    let tried = 0
    const instance = merging(() => ({
      ...memory,
      async put() {
        tried += 1
        return { outcome: 'unknown', cause: new StoreUnavailable('away') }
      },
    }))
    for (let pass = 0; pass < 3; pass++) expect((await list(instance)).processes).toHaveLength(1)
    expect(tried).toBe(1)
  })
})

describe('a process that was deleted on a store that cannot decide', () => {
  it('costs one small object at once, and is nothing else a day later', async () => {
    const { one, list, clock, costOf, keys, merging } = await open()
    await deleteProcess(one, id, options)
    const cost = await costOf(async () => expect((await list()).processes).toEqual([]))
    expect(cost.get).toBe(1)
    clock.advance(25 * hourMs)
    await list()
    expect(await keys()).toEqual([expect.stringMatching(/\/deleted-[^/]+\.json$/)])
    for (const instance of [one, merging()]) {
      expect(await instance.read()).toBeUndefined()
      expect((await list(instance)).processes).toEqual([])
      await expect(instance.create()).rejects.toMatchObject({ code: 'conflict' })
    }
  })

  it('leaves the deletion as it was done when the mark cannot be written', async () => {
    const { merging, memory, list } = await open()
    let isAway = false
    const instance = merging(() => ({
      ...memory,
      async put(...put) {
        if (isAway) return { outcome: 'unknown', cause: new StoreUnavailable('away') }
        const outcome = await memory.put(...put)
        isAway = new TextDecoder().decode(put[1]).includes('delete')
        return outcome
      },
    }))
    await deleteProcess(instance, id, options)
    expect((await list()).processes).toEqual([])
  })

  it('fences old workers when it is made anew where the store decides', async () => {
    const { one, list, clock, deciding, merging } = await open()
    await deleteProcess(one, id, options)
    clock.advance(25 * hourMs)
    await list()
    const other = deciding()
    expect((await other.create()).state).toMatchObject({ status: 'queued', attempt: 2 })
    await expect(other.report(reports + 1)).rejects.toMatchObject({ code: 'fenced' })
    expect(await merging().report(0, { attempt: 2 })).toMatchObject({ state: { attempt: 2, status: 'running' } })
    expect(await deciding().read()).toMatchObject({ state: { attempt: 2, status: 'running', lastSeq: 0 } })
  })
})

const seriesRequest = { after: -1, attempt: undefined, limit: 1000 }
