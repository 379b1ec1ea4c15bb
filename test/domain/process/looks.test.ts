import { describe, expect, it } from 'vitest'
import { createSystemClock } from '../../../src/adapters/system/clock.ts'
import { ownLooks, sharedLooks } from '../../../src/domain/process/looks.ts'

const clock = createSystemClock()
const { signal } = new AbortController()
const everyMs = 20
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

describe('looks that are shared', () => {
  const counted = () => {
    let looks = 0
    let idle = 0
    const next = sharedLooks({
      clock,
      everyMs,
      look: async () => {
        await pause(5)
        return ++looks
      },
      onIdle: () => {
        idle += 1
      },
    })
    return { next, looks: () => looks, idle: () => idle }
  }

  it('are one for all who wait, and none when nobody does', async () => {
    const { next, looks, idle } = counted()
    const seen = await Promise.all(Array.from({ length: 50 }, () => next({ signal })))
    expect(new Set(seen)).toEqual(new Set([1]))
    await pause(3 * everyMs)
    expect(looks()).toBe(1)
    expect(idle()).toBe(1)
    expect(await next({ signal })).toBe(2)
  })

  it('begin after they were asked for', async () => {
    const { next } = counted()
    const first = next({ signal })
    await pause(1)
    // The first look has begun: what it does not see any more is in the second.
    expect(await Promise.all([first, next({ signal })])).toEqual([1, 2])
  })

  it('are not ended by one who leaves', async () => {
    const { next } = counted()
    const leaving = new AbortController()
    const left = next({ signal: leaving.signal }).catch((error: unknown) => error)
    const stays = next({ signal })
    leaving.abort('gone')
    expect(await left).toBe('gone')
    expect(await stays).toBe(1)
    await expect(next({ signal: leaving.signal })).rejects.toBe('gone')
  })

  it('fail for all who waited, and go on', async () => {
    let looks = 0
    const next = sharedLooks({
      clock,
      everyMs,
      look: async () => {
        looks += 1
        if (looks === 1) throw new Error('down')
        return looks
      },
    })
    const both = await Promise.allSettled([next({ signal }), next({ signal })])
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(await next({ signal })).toBe(2)
  })
})

it("looks of one's own come at once, and then so long after each other", async () => {
  const waits: number[] = []
  let looks = 0
  const next = ownLooks({
    clock: { nowMs: clock.nowMs, sleep: async (ms) => void waits.push(ms) },
    everyMs,
    look: async () => ++looks,
  })
  expect([await next({ signal }), await next({ signal }), await next({ signal })]).toEqual([1, 2, 3])
  expect(waits).toEqual([everyMs, everyMs])
})
