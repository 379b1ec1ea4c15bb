import { describe, expect, it } from 'vitest'
import { createMemoryObjectStore } from '../../src/adapters/memory/object-store.ts'
import { createLists } from '../../src/domain/lists.ts'
import type { EveryProcess } from '../../src/domain/process/process-ledger.ts'
import { StoreUnavailable } from '../../src/ports/errors.ts'
import { parseObjectKey } from '../../src/ports/object-key.ts'
import { countCalls } from '../app/counted-store.ts'
import { createTestClock, unending } from '../app/memory-service.ts'

const options = { signal: unending }
const noProcesses = { readAll: async (): Promise<EveryProcess> => ({ processes: [], unreadable: [] }) }

function open(shared: boolean) {
  const clock = createTestClock()
  const memory = createMemoryObjectStore(clock)
  const counted = countCalls()
  const lists = createLists({ ledger: noProcesses, store: counted.wrap(memory), clock, shared })
  return {
    lists,
    listings: () => counted.count('list'),
    async put(name: string) {
      await memory.put(parseObjectKey(`results/${name}`), Buffer.from(name), {
        when: 'always',
        contentType: 'a/b',
        signal: unending,
      })
      clock.advance(1000)
    },
    names: async () => (await lists.results(options)).map(({ process, kind, name }) => `${process} ${kind} ${name}`),
  }
}

describe('lists that many ask for', () => {
  it('cost one look for fifty who ask together, and each its own where looks cannot be shared', async () => {
    for (const [shared, looks] of [[true, 1] as const, [false, 50] as const]) {
      const { lists, listings } = open(shared)
      await Promise.all(Array.from({ length: 50 }, () => lists.results(options)))
      expect(listings()).toBe(looks)
    }
  })

  it('show what was stored before they were asked for, newest first, and nothing that is no result', async () => {
    const { put, names } = open(true)
    await put('p1/lora/a.safetensors')
    expect(await names()).toEqual(['p1 lora a.safetensors'])
    await put('p2/samples/deep/b.png')
    await put('p1/notes.txt')
    await put('not a process/lora/a')
    expect(await names()).toEqual(['p2 samples deep/b.png', 'p1 lora a.safetensors'])
  })

  it('are the very same while nothing has changed, and another one as soon as something has', async () => {
    const { put, lists } = open(true)
    await put('p1/lora/a.safetensors')
    const first = await lists.results(options)
    expect(await lists.results(options)).toBe(first)
    await put('p1/lora/a.safetensors')
    expect(await lists.results(options)).not.toBe(first)
  })

  it('fail for those who waited for a look that failed, and for nobody after them', async () => {
    let looks = 0
    const ledger = {
      async readAll() {
        looks += 1
        if (looks === 1) throw new StoreUnavailable('away')
        return noProcesses.readAll()
      },
    }
    const clock = createTestClock()
    const lists = createLists({ ledger, store: createMemoryObjectStore(clock), clock, shared: true })
    const first = await Promise.allSettled([lists.processes(options), lists.processes(options)])
    expect(first.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(await lists.processes(options)).toEqual([])
  })
})
