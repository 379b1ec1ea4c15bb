import { describe, expect, it } from 'vitest'
import { encodeEvent, eventKey, type ProcessEvent } from '../../../src/domain/process/merge/process-event.ts'
import type { ObjectStore } from '../../../src/ports/object-store.ts'
import { unending } from '../../app/memory-service.ts'
import { answerOf, id, openInstances, untilItWaits } from './two-ways.ts'

/** Its first write waits until it is let go; `died`: nothing happens after that write. */
function slowly({ died = false } = {}) {
  const gate = Promise.withResolvers<void>()
  const never = new Promise<never>(() => {})
  let hasWritten = false
  const over = (store: ObjectStore): ObjectStore => ({
    ...store,
    list: (request) => (died && hasWritten ? never : store.list(request)),
    async put(...put) {
      if (died && hasWritten) return await never
      await gate.promise
      const outcome = await store.put(...put)
      hasWritten = true
      return outcome
    },
  })
  return { letGo: () => gate.resolve(), over }
}

/** A process, and a claim of B that was decided before anybody else's and is not written yet. */
async function openWithLateClaim(how?: { died: boolean }) {
  const stage = openInstances()
  const one = stage.merging()
  await one.create()
  const { letGo, over } = slowly(how)
  const late = answerOf(stage.merging(over).claim('B'))
  await untilItWaits()
  stage.clock.advance(50)
  return { ...stage, one, late, letGo }
}

describe('a worker that was told that it holds the attempt', () => {
  it('goes on while an earlier claim arrives and is taken back', async () => {
    const stage = openInstances()
    const one = stage.merging()
    await one.create()
    const { letGo, over } = slowly()
    const between: (string | null)[] = []
    const asking = (store: ObjectStore): ObjectStore => ({
      ...store,
      async put(...put) {
        const outcome = await store.put(...put)
        between.push(await answerOf(one.report(between.length, { worker: 'A' })))
        return outcome
      },
    })
    const late = answerOf(stage.merging((store) => asking(over(store))).claim('B'))
    await untilItWaits()
    stage.clock.advance(50)
    expect(await answerOf(one.claim('A'))).toBe('A')
    letGo()
    expect(await late).toBe('already-claimed')
    // After the claim, and after it was taken back.
    expect(between).toEqual(['A', 'A'])
  })

  it('goes on when the other died before it could take its claim back, and there is no conflict', async () => {
    const { one, letGo, clock } = await openWithLateClaim({ died: true })
    await one.claim('A')
    letGo()
    await untilItWaits()
    expect(await answerOf(one.report(1, { worker: 'A' }))).toBe('A')
    clock.advance(60 * 60_000)
    expect(await answerOf(one.report(2, { worker: 'A' }))).toBe('A')
    expect(await one.read()).toMatchObject({ state: { worker: 'A', lastSeq: 2 }, conflicts: [] })
  })

  it('is asked to ask again while it is open who holds the attempt', async () => {
    const { memory, digests, merging, clock } = openInstances()
    const one = merging()
    await one.create()
    const claim = { kind: 'claim', operationId: 'b', writeId: 'b', attempt: 1, worker: 'B' } as const
    const unconfirmed: ProcessEvent = { ...claim, at: new Date(clock.nowMs()).toISOString() }
    await memory.put(eventKey(id, unconfirmed), encodeEvent(unconfirmed, digests), {
      ...{ contentType: 'application/json', when: 'always', signal: unending },
    })
    expect(await answerOf(one.report(1, { worker: 'A' }))).toBe('store-unavailable')
    clock.advance(60_000)
    expect(await answerOf(one.report(1, { worker: 'A' }))).toBe('fenced')
  })
})
