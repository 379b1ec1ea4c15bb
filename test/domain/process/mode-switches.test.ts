import { describe, expect, it } from 'vitest'
import { deleteProcess } from '../../../src/domain/process/delete-process.ts'
import { cancelProcess, retryProcess } from '../../../src/domain/process/steer-process.ts'
import { answerOf, id, openInstances, options, untilItWaits } from './two-ways.ts'

describe('what was acknowledged while a store could not decide, and is read where it decides', () => {
  it('is there: a report', async () => {
    const { deciding, merging } = openInstances()
    const one = deciding()
    await one.create()
    await one.report(0)
    const told = await merging().report(1, { status: 'completed' })
    const seen = await deciding().read()
    expect(seen).toMatchObject({ sync: 'cas', state: { status: 'completed', lastSeq: 1 } })
    expect(seen?.state.version).toBe(told.state.version)
    const { processes } = await deciding().ledger.readAll(options)
    expect(processes).toEqual([seen])
  })

  it('becomes part of the document with the next write', async () => {
    const { deciding, merging, memory, keys } = openInstances()
    const one = deciding()
    await one.create()
    await one.report(0)
    await merging().report(1, { message: 'merged' })
    const told = await one.report(2)
    expect(told.state).toMatchObject({ version: 4, lastSeq: 2, message: 'merged' })
    const [key] = (await keys()).filter((one) => one.endsWith(`${id}.json`))
    const found = key && (await memory.get(key, options))
    expect(await new Response(found?.body).json()).toMatchObject({ version: 4, lastSeq: 2, message: 'merged' })
    expect(await one.read()).toMatchObject({ etag: told.etag, state: { version: 4 }, conflicts: [] })
    expect(await one.report(1)).toMatchObject({ repeated: true })
  })

  it('is there: a deletion, and the id is free again', async () => {
    const { deciding, merging } = openInstances()
    const one = deciding()
    await one.create()
    await cancelProcess(one, id, options)
    await deleteProcess(merging(), id, options)
    expect(await one.read()).toBeUndefined()
    expect((await deciding().ledger.readAll(options)).processes).toEqual([])
    expect(await one.create()).toMatchObject({ repeated: false, state: { status: 'queued', attempt: 2 } })
    expect(await deciding().read()).toMatchObject({ state: { status: 'queued', attempt: 2 } })
    expect(await answerOf(one.report(1))).toBe('fenced')
    expect(await merging().read()).toMatchObject({ state: { status: 'queued', attempt: 2 } })
  })

  it('is there: a process that was made, retried and deleted without a document', async () => {
    const { deciding, merging } = openInstances()
    const other = merging()
    await other.create()
    await cancelProcess(other, id, options)
    await retryProcess(other, id, options)
    await cancelProcess(other, id, options)
    await deleteProcess(other, id, options)
    const one = deciding()
    expect(await one.read()).toBeUndefined()
    expect((await one.create()).state).toMatchObject({ status: 'queued', attempt: 3 })
  })
})

describe('two instances that do not see the same store', () => {
  it('give an attempt to one worker', async () => {
    const { deciding, merging } = openInstances()
    const [one, other] = [deciding(), merging()]
    await one.create()
    expect(await answerOf(other.claim('w1'))).toBe('w1')
    await other.report(0)
    expect(await answerOf(one.claim('w2'))).toBe('already-claimed')
    expect(await answerOf(one.report(0, { worker: 'w2' }))).toBe('fenced')
    expect(await answerOf(one.report(1))).toBe('w1')
    expect(await one.read()).toMatchObject({ state: { worker: 'w1' }, conflicts: [] })
  })

  it('name both where two came to hold one', async () => {
    const { deciding, merging } = openInstances()
    const one = deciding()
    await one.create()
    const blind = deciding((store) => ({
      ...store,
      list: async () => ({ objects: [], prefixes: [], cursor: undefined }),
    }))
    expect(await answerOf(merging().claim('w1'))).toBe('w1')
    expect(await answerOf(blind.claim('w2'))).toBe('w2')
    for (const seen of [await one.read(), await merging().read()]) {
      expect(seen).toMatchObject({ state: { worker: 'w2' }, conflicts: [{ attempt: 1, workers: ['w2', 'w1'] }] })
    }
    await one.report(1, { worker: 'w2' })
    expect(await one.read()).toMatchObject({ state: { worker: 'w2', lastSeq: 1 }, conflicts: [{ attempt: 1 }] })
  })

  it('let nobody decide on a claim that is not answered yet', async () => {
    const { deciding, merging } = openInstances()
    const one = deciding()
    await one.create()
    const gate = Promise.withResolvers<void>()
    let writes = 0
    const other = merging((store) => ({
      ...store,
      async put(...put) {
        writes += 1
        if (writes === 2) await gate.promise
        return await store.put(...put)
      },
    }))
    const claim = answerOf(other.claim('w1'))
    await untilItWaits()
    const cancelled = cancelProcess(one, id, options)
    await untilItWaits(3)
    gate.resolve()
    expect(await claim).toBe('w1')
    expect(await cancelled).toMatchObject({ state: { worker: 'w1', cancelRequested: true } })
  })
})

describe('a claim that meets, on its way, what was decided by another instance', () => {
  it.each(['cancelled', 'claimed'])('is taken back: the process is %s', async (how) => {
    const { deciding, merging } = openInstances()
    const one = deciding()
    await one.create()
    const gate = Promise.withResolvers<void>()
    const other = merging((store) => ({
      ...store,
      async put(...put) {
        await gate.promise
        return await store.put(...put)
      },
    }))
    const claim = answerOf(other.claim('w1'))
    await untilItWaits()
    await (how === 'cancelled' ? cancelProcess(one, id, options) : one.claim('w2'))
    gate.resolve()
    expect(await claim).toBe('already-claimed')
    const holds = how === 'cancelled' ? null : 'w2'
    expect(await one.read()).toMatchObject({ state: { worker: holds }, conflicts: [] })
  })
})

describe('where the store decides, events', () => {
  it('cost one LIST beside the GET of a process that has none, and nothing in lists', async () => {
    const { deciding, costOf } = openInstances()
    const one = deciding()
    await one.create()
    expect(await costOf(one.read)).toEqual({ list: 1, get: 1, put: 0, deleteMany: 0 })
    await one.ledger.readAll(options)
    expect(await costOf(() => one.ledger.readAll(options))).toEqual({ list: 1, get: 0, put: 0, deleteMany: 0 })
  })
})
