import { describe, expect, it } from 'vitest'
import { createStorePace } from '../../../src/domain/export/store-pace.ts'
import { createTestClock } from '../../app/memory-service.ts'

const MiB = 1024 * 1024
const chunk = new Uint8Array(MiB / 4)

async function take(seconds: readonly number[], pausesMs = 0) {
  const clock = createTestClock()
  const pace = createStorePace(clock)
  for (const each of seconds) {
    const read = async () => {
      clock.advance(each * 1000)
      return { value: chunk }
    }
    await pace.waitFor(Promise.resolve().then(read))
    clock.advance(pausesMs)
  }
  return pace
}

describe('the pace of a store', () => {
  it('is slow when its bytes are waited for at less than 64 MiB a second', async () => {
    expect((await take(new Array(16).fill(0.01))).isSlow()).toBe(true)
    expect((await take(new Array(16).fill(0.002))).isSlow()).toBe(false)
  })

  it('is not known before a megabyte has come', async () => {
    expect((await take([1, 1, 1])).isSlow()).toBe(false)
    expect((await take([1, 1, 1, 1])).isSlow()).toBe(true)
  })

  it('does not count the time of a slow reader', async () => {
    expect((await take(new Array(16).fill(0.001), 10_000)).isSlow()).toBe(false)
  })

  it('forgets how it was', async () => {
    expect((await take([...new Array<number>(16).fill(1), ...new Array<number>(400).fill(0)])).isSlow()).toBe(false)
    expect((await take([...new Array<number>(400).fill(0), ...new Array<number>(40).fill(1)])).isSlow()).toBe(true)
  })
})
