import { describe, expect, it } from 'vitest'
import type { Clock } from '../../src/ports/clock.ts'

/** What `Clock` promises. For clocks that run by themselves. */
export function describeClock(name: string, create: () => Clock): void {
  const { signal: never } = new AbortController()

  describe(`${name} as a Clock`, () => {
    it('tells milliseconds since 1970', () => {
      expect(create().nowMs()).toBeGreaterThan(Date.parse('2025-01-01'))
      expect(create().nowMs()).toBeLessThan(Date.parse('2200-01-01'))
    })

    it('sleeps as long as it was told', async () => {
      const clock = create()
      const started = performance.now()
      await clock.sleep(40, never)
      // Timers may fire a millisecond early, by rounding.
      expect(performance.now() - started).toBeGreaterThanOrEqual(38)
      await clock.sleep(0, never)
    })

    it('wakes with the reason as soon as it is aborted', async () => {
      const controller = new AbortController()
      const reason = new Error('enough')
      const sleep = create().sleep(60_000, controller.signal)
      controller.abort(reason)
      await expect(sleep).rejects.toBe(reason)
    })

    it('does not begin when it was aborted before', async () => {
      const reason = new Error('enough')
      await expect(create().sleep(60_000, AbortSignal.abort(reason))).rejects.toBe(reason)
      await expect(create().sleep(0, AbortSignal.abort(reason))).rejects.toBe(reason)
    })

    it('does not mistake a very long sleep for a short one', async () => {
      const controller = new AbortController()
      let woken = false
      const sleep = create()
        .sleep(2 ** 31 * 3, controller.signal)
        .finally(() => {
          woken = true
        })
      await create().sleep(30, never)
      expect(woken).toBe(false)
      controller.abort(new Error('enough'))
      await expect(sleep).rejects.toThrow('enough')
    })

    it('leaves no listener on the signal', async () => {
      const controller = new AbortController()
      let listeners = 0
      const counted = new Proxy(controller.signal, {
        get(target, name) {
          if (name === 'addEventListener') listeners += 1
          if (name === 'removeEventListener') listeners -= 1
          const value: unknown = Reflect.get(target, name, target)
          return typeof value === 'function' ? value.bind(target) : value
        },
      })
      for (let i = 0; i < 5; i++) await create().sleep(1, counted)
      expect(listeners).toBe(0)
    })
  })
}
