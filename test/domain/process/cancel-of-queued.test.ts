import { describe, expect, it } from 'vitest'
import { cancelProcess } from '../../../src/domain/process/steer-process.ts'
import type { ObjectStore } from '../../../src/ports/object-store.ts'
import { answerOf, id, openInstances, options, untilItWaits } from './two-ways.ts'

/** Stops before its `nth` write, until it is let go. */
function stoppingBefore(nth: number) {
  const gate = Promise.withResolvers<void>()
  let writes = 0
  const over = (store: ObjectStore): ObjectStore => ({
    ...store,
    async put(...put) {
      writes += 1
      if (writes === nth) await gate.promise
      return await store.put(...put)
    },
  })
  return { letGo: () => gate.resolve(), over }
}

async function openWithClaimUnderWay(nth: number) {
  const stage = openInstances()
  const one = stage.merging()
  await one.create()
  const { letGo, over } = stoppingBefore(nth)
  const claim = answerOf(stage.merging(over).claim('B'))
  await untilItWaits()
  return { ...stage, one, claim, letGo, cancel: () => cancelProcess(one, id, options) }
}

describe('a cancel of a queued process on a store that cannot decide', () => {
  it('is final at once, when a claim that was on its way arrives after it', async () => {
    const { one, claim, letGo, cancel } = await openWithClaimUnderWay(1)
    expect(await cancel()).toMatchObject({ state: { status: 'cancelled' } })
    letGo()
    expect(await claim).toBe('already-claimed')
    expect(await one.read()).toMatchObject({ state: { status: 'cancelled', worker: null } })
  })

  it('waits for a claim that is not answered yet, and asks its worker to end', async () => {
    const { one, claim, letGo, cancel } = await openWithClaimUnderWay(2)
    const cancelled = cancel()
    await untilItWaits(3)
    letGo()
    expect(await claim).toBe('B')
    expect(await cancelled).toMatchObject({ state: { status: 'starting', worker: 'B', cancelRequested: true } })
    expect(await one.report(1, { worker: 'B', status: 'completed' })).toMatchObject({ state: { status: 'completed' } })
  })

  it('is not known while nobody answers that claim, and final when it has been asked again', async () => {
    const { one, cancel, clock } = await openWithClaimUnderWay(2)
    await expect(cancel()).rejects.toMatchObject({ code: 'store-unavailable' })
    clock.advance(60_000)
    expect(await cancel()).toMatchObject({ state: { status: 'cancelled' } })
    expect(await one.read()).toMatchObject({ state: { status: 'cancelled' } })
  })
})
