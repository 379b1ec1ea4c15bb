import { expect, it } from 'vitest'
import { createStoreClock } from '../../../src/adapters/s3/store-clock.ts'

it('goes on from the last date that the store has given, by a clock that does not jump', () => {
  let monotonicMs = 5_000
  const clock = createStoreClock(() => monotonicMs)
  expect(clock.nowMs()).toBeUndefined()
  clock.saw('Sun, 01 Mar 2026 12:00:00 GMT')
  monotonicMs += 1_500
  expect(clock.nowMs()).toBe(Date.UTC(2026, 2, 1, 12, 0, 1, 500))
  clock.saw('Sun, 01 Mar 2026 11:00:00 GMT')
  clock.saw(undefined)
  clock.saw('yesterday')
  expect(clock.nowMs()).toBe(Date.UTC(2026, 2, 1, 11, 0, 0))
})
