import { describe, expect, it } from 'vitest'
import { createTurns } from '../../bench/export/origin/turns.ts'

describe('turns', () => {
  it('begin in order, never more than so many at once, whenever they come and however they end', async () => {
    const inTurn = createTurns(2)
    const begun: number[] = []
    let underWay = 0
    let most = 0
    const work = (nth: number) => async () => {
      begun.push(nth)
      underWay += 1
      most = Math.max(most, underWay)
      await Promise.resolve()
      underWay -= 1
      if (nth === 1) throw new Error('the client has gone')
      return nth
    }
    // The last comes at the moment at which another ends.
    const first = inTurn(work(0))
    const rest = [1, 2, 3].map((nth) => inTurn(work(nth)))
    const last = first.then(() => inTurn(work(4)))
    const ended = await Promise.allSettled([first, ...rest, last])

    expect(ended.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled', 'fulfilled'])
    expect(begun).toEqual([0, 1, 2, 3, 4])
    expect(most).toBe(2)
    expect(await inTurn(async () => 'free again')).toBe('free again')
  })
})
