import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { createHeapWatch } from '../../../src/app/node/heap-growth.ts'
import { npmStartArgs } from '../../servers/npm-start.ts'

const MiB = 2 ** 20

/** A heap of which the watch looks at each of these sizes, in MiB. Returns at which of them it was collected. */
function collectedAt(sizesMiB: readonly number[], aliveMiB: number): number[] {
  const collected: number[] = []
  let usedMiB = 0
  const look = createHeapWatch({
    usedBytes: () => usedMiB * MiB,
    collect() {
      collected.push(usedMiB)
      usedMiB = aliveMiB
    },
  })
  for (const sizeMiB of sizesMiB) {
    usedMiB = sizeMiB
    look()
  }
  return collected
}

it('leaves a heap alone that has grown by 32 MiB', () => {
  expect(collectedAt([30, 40, 62], 30)).toEqual([])
})

it('collects a heap that has grown by more, and again when it has grown as much since', () => {
  expect(collectedAt([30, 63, 50, 72, 73], 40)).toEqual([63, 73])
})

it('lets a large heap grow by half of what is alive', () => {
  expect(collectedAt([200, 300, 301], 200)).toEqual([301])
})

it('counts from what V8 itself has left', () => {
  expect(collectedAt([90, 20, 52, 53], 20)).toEqual([53])
})

it('takes what is alive for grown when nothing could be freed', () => {
  expect(collectedAt([30, 63, 94, 95, 96], 63)).toEqual([63, 96])
})

it('holds the heap of a process small that makes garbage which lives for a while', async () => {
  const script = `
    import { setImmediate } from 'node:timers/promises'
    import { getHeapStatistics } from 'node:v8'
    if (process.argv[1] === 'watched') (await import(${JSON.stringify(join(import.meta.dirname, '../../../src/app/node/heap-growth.ts'))})).boundHeapGrowth()
    const alive = Array.from({ length: 1_000_000 }, (_, n) => ({ n }))
    const recent = []
    const endAtMs = Date.now() + 1500
    let peak = 0
    for (let i = 0; Date.now() < endAtMs; i++) {
      recent[i % 4000] = Array.from({ length: 100 }, (_, n) => ({ n }))
      if (i % 20 === 0) await setImmediate()
      peak = Math.max(peak, getHeapStatistics().used_heap_size)
    }
    process.stdout.write(String(peak / ${MiB} + 0 * alive.length))
  `
  const flags = npmStartArgs.filter((arg) => arg.startsWith('--'))
  const peakMiB = async (how: 'watched' | 'unwatched') => {
    const args = [...flags, '--input-type=module', '--eval', script, how]
    return Number((await promisify(execFile)(process.execPath, args)).stdout)
  }
  const [watched, unwatched] = [await peakMiB('watched'), await peakMiB('unwatched')]
  expect(watched).toBeLessThan(0.8 * unwatched)
})
