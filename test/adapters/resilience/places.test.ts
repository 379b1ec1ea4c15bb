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
  expect(places.count()).toMatchObject({ running: 2, waiting: 3 })
  for (const leave of leaves) leave()
  await Promise.all(waiting)
  expect(order).toEqual([1, 2, 3])
  expect(places.count()).toMatchObject({ running: 0, waiting: 0 })
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
  expect(places.count()).toMatchObject({ running: 1, waiting: 0 })
  leave()
  await expect(places.take(aMinuteMs, controller.signal)).rejects.toBe(reason)
  expect(places.count()).toMatchObject({ running: 0, waiting: 0 })
})

it('come back from those who never return them, holding or waiting', async () => {
  const { places, pass } = createRoom(1, 2)
  const lateLeave = await places.take(100, signal)
  places.take(100, signal)
  pass(101)
  const leave = await places.take(aMinuteMs, signal)
  expect(places.count()).toMatchObject({ running: 1, waiting: 0 })
  lateLeave()
  expect(places.count()).toMatchObject({ running: 1, waiting: 0 })
  leave()
  expect(places.count()).toMatchObject({ running: 0, waiting: 0 })
})

it('are halved when the store asks for fewer calls, once for each crowd, and come back one by one', async () => {
  const { places, pass } = createRoom(8, 99)
  for (let told = 0; told < 5; told++) places.shrink()
  expect(places.count()).toMatchObject({ places: 4 })
  pass(1001)
  places.shrink()
  expect(places.count()).toMatchObject({ places: 2 })
  const leaves = [await places.take(aMinuteMs, signal), await places.take(aMinuteMs, signal)]
  let admitted = false
  const waiting = places.take(aMinuteMs, signal).then((leave) => {
    admitted = true
    return leave
  })
  await Promise.resolve()
  expect(admitted).toBe(false)
  for (let worked = 0; worked < 3; worked++) places.grow()
  leaves.push(await waiting)
  for (let worked = 0; worked < 99; worked++) places.grow()
  expect(places.count()).toMatchObject({ running: 3, waiting: 0, places: 8 })
  for (const leave of leaves) leave()
})

it('never become none, however often the store complains', async () => {
  const { places, pass } = createRoom(4, 9)
  for (let told = 0; told < 9; told++) {
    places.shrink()
    pass(2000)
  }
  expect(places.count()).toMatchObject({ places: 1 })
  const leave = await places.take(aMinuteMs, signal)
  leave()
})
