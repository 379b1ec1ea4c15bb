import { expect, it } from 'vitest'
import { createKeyedMutex } from '../../../src/adapters/checked-conditions/keyed-mutex.ts'

const { signal } = new AbortController()
const pause = (durationMs = 2) => new Promise<void>((resolve) => setTimeout(resolve, durationMs))

it('runs one at a time for a key, in the order they came, and different keys at once', async () => {
  const exclusive = createKeyedMutex()
  const events: string[] = []
  const work = (key: string, name: string) =>
    exclusive(key, signal, async () => {
      events.push(`${name} begins`)
      await pause()
      events.push(`${name} ends`)
      return name
    })
  expect(await Promise.all([work('a', '1'), work('a', '2'), work('b', '3')])).toEqual(['1', '2', '3'])
  expect(events.slice(0, 2)).toEqual(['1 begins', '3 begins'])
  expect(events.filter((event) => !event.startsWith('3'))).toEqual(['1 begins', '1 ends', '2 begins', '2 ends'])
})

it('goes on after a failure', async () => {
  const exclusive = createKeyedMutex()
  const failure = new Error('failed')
  const failing = exclusive('a', signal, () => Promise.reject(failure))
  const next = exclusive('a', signal, async () => 'next')
  await expect(failing).rejects.toBe(failure)
  expect(await next).toBe('next')
})

it('lets one who is tired of waiting go, and nobody pass who came later', async () => {
  const exclusive = createKeyedMutex()
  const controller = new AbortController()
  let finish = () => {}
  let running = 0
  const first = exclusive('a', signal, () => new Promise<void>((resolve) => (finish = resolve)))
  const second = exclusive('a', controller.signal, async () => 'never')
  const third = exclusive('a', signal, async () => {
    running += 1
  })
  controller.abort(new Error('tired'))
  await expect(second).rejects.toThrow('tired')
  await pause()
  expect(running).toBe(0)
  finish()
  await Promise.all([first, third])
  expect(running).toBe(1)
})
