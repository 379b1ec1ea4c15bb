import { expect, it } from 'vitest'
import { createSystemClock } from '../../../src/adapters/system/clock.ts'
import { describeClock } from '../../contract/clock.ts'

describeClock('system', createSystemClock)

it('leaves no timer behind when a sleep is aborted', async () => {
  const timers = () => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length
  const before = timers()
  const controller = new AbortController()
  const sleeps = Array.from({ length: 20 }, () => createSystemClock().sleep(60_000, controller.signal))
  expect(timers()).toBeGreaterThanOrEqual(before + 20)
  controller.abort(new Error('enough'))
  await Promise.allSettled(sleeps)
  expect(timers()).toBeLessThan(before + 20)
})
