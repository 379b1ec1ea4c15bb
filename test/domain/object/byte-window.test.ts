import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createByteWindow } from '../../../src/domain/object/byte-window.ts'

const { signal } = new AbortController()
const settled = () => new Promise((resolve) => setImmediate(resolve))

it('lets in what fits and holds back what does not, first come first served', async () => {
  const window = createByteWindow(10)
  const admitted: string[] = []
  const take = (name: string, bytes: number) => window.take(bytes, signal).then(() => admitted.push(name))
  await take('a', 6)
  void take('b', 6)
  void take('c', 1)
  await settled()
  expect(admitted).toEqual(['a'])
  window.give(6)
  await settled()
  expect(admitted).toEqual(['a', 'b', 'c'])
})

it('lets a taking larger than the window through alone, rather than never', async () => {
  const window = createByteWindow(10)
  await window.take(25, signal)
  let second = false
  void window.take(1, signal).then(() => {
    second = true
  })
  await settled()
  expect(second).toBe(false)
  window.give(25)
  await settled()
  expect(second).toBe(true)
})

it('lets go of who is aborted while waiting, and admits those behind', async () => {
  const window = createByteWindow(10)
  await window.take(10, signal)
  const leaving = new AbortController()
  const left = window.take(10, leaving.signal)
  let behind = false
  void window.take(1, signal).then(() => {
    behind = true
  })
  leaving.abort(new Error('gone'))
  await expect(left).rejects.toThrow('gone')
  window.give(10)
  await settled()
  expect(behind).toBe(true)
})

it('never holds more than it may, whatever the order of taking and giving', async () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 10 }), { minLength: 1, maxLength: 60 })
  await fc.assert(
    fc.asyncProperty(sizes, fc.infiniteStream(fc.nat({ max: 3 })), async (takings, delays) => {
      const window = createByteWindow(10)
      let held = 0
      let peak = 0
      await Promise.all(
        takings.map(async (bytes) => {
          await window.take(bytes, signal)
          held += bytes
          peak = Math.max(peak, held)
          for (let turns = delays.next().value ?? 0; turns > 0; turns--) await Promise.resolve()
          held -= bytes
          window.give(bytes)
        }),
      )
      expect(held).toBe(0)
      expect(peak).toBeLessThanOrEqual(10)
    }),
    { numRuns: 300 },
  )
})
