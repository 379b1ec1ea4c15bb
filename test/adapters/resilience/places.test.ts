import { expect, it } from 'vitest'
import { createPlaces } from '../../../src/adapters/resilience/places.ts'

const { signal } = new AbortController()
const aMinuteMs = 60_000

function createRoom(atOnce: number, queued: number) {
  let nowMs = 0
  const places = createPlaces({ atOnce, queued, fullRetryAfterMs: 1000, nowMs: () => nowMs })
  return { places, pass: (ms: number) => (nowMs += ms) }
}

it('are given in turn', async () => {
  const { places } = createRoom(2, 9)
  const order: number[] = []
  const leaves = [await places.take(aMinuteMs, signal), await places.take(aMinuteMs, signal)]
  const waiting = [1, 2, 3].map(async (n) => {
    const leave = await places.take(aMinuteMs, signal)
    order.push(n)
    leave()
  })
  expect(places.count()).toEqual({ running: 2, waiting: 3 })
  for (const leave of leaves) leave()
  await Promise.all(waiting)
  expect(order).toEqual([1, 2, 3])
  expect(places.count()).toEqual({ running: 0, waiting: 0 })
})

it('are refused when too many wait', async () => {
  const { places } = createRoom(1, 1)
  const leave = await places.take(aMinuteMs, signal)
  const waiting = places.take(aMinuteMs, signal)
  const refused = { code: 'store-unavailable', effect: 'never-sent', retryAfterMs: 1000 }
  await expect(places.take(aMinuteMs, signal)).rejects.toMatchObject(refused)
  leave()
  ;(await waiting)()
})

it('are not kept for those who stop waiting', async () => {
  const { places } = createRoom(1, 1)
  const leave = await places.take(aMinuteMs, signal)
  const controller = new AbortController()
  const waiting = places.take(aMinuteMs, controller.signal)
  const reason = new Error('tired')
  controller.abort(reason)
  await expect(waiting).rejects.toBe(reason)
  expect(places.count()).toEqual({ running: 1, waiting: 0 })
  leave()
  await expect(places.take(aMinuteMs, controller.signal)).rejects.toBe(reason)
  expect(places.count()).toEqual({ running: 0, waiting: 0 })
})

it('come back from those who never return them, holding or waiting', async () => {
  const { places, pass } = createRoom(1, 2)
  const lateLeave = await places.take(100, signal)
  places.take(100, signal)
  pass(101)
  const leave = await places.take(aMinuteMs, signal)
  expect(places.count()).toEqual({ running: 1, waiting: 0 })
  lateLeave()
  expect(places.count()).toEqual({ running: 1, waiting: 0 })
  leave()
  expect(places.count()).toEqual({ running: 0, waiting: 0 })
})
