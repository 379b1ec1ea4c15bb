import { describe, expect, it } from 'vitest'
import { createMemoryObjectStore } from '../../../src/adapters/memory/object-store.ts'
import { createDigests } from '../../../src/adapters/node-crypto/digests.ts'
import { createIds } from '../../../src/adapters/web-crypto/ids.ts'
import { createLedger } from '../../../src/domain/process/create-ledger.ts'
import { createProcess } from '../../../src/domain/process/create-process.ts'
import { deleteProcess } from '../../../src/domain/process/delete-process.ts'
import {
  awaitChange,
  changesOfProcess,
  type ProcessChange,
  processChanges,
} from '../../../src/domain/process/process-changes.ts'
import { processId } from '../../../src/domain/process/process-state.ts'
import { reportProcess } from '../../../src/domain/process/report-process.ts'
import { cancelProcess } from '../../../src/domain/process/steer-process.ts'
import { StoreUnavailable } from '../../../src/ports/errors.ts'
import type { CallOptions } from '../../../src/ports/object-store.ts'

const quiet = () => {}
const log = { debug: quiet, info: quiet, warn: quiet, error: quiet }

/** Processes on a memory store, and a time that passes when it is told to. */
function stage() {
  let nowMs = Date.parse('2026-03-01T12:00:00.000Z')
  const clock = { nowMs: () => nowMs, sleep: async () => {} }
  const store = createMemoryObjectStore(clock)
  const ids = createIds()
  const digests = createDigests()
  const ledger = createLedger({ store, clock, ids, digests, log })
  const deps = { ledger, clock, ids, digests }
  const options = { signal: new AbortController().signal, idempotencyKey: undefined }
  let down = false
  const look = <Seen>(how: (options: CallOptions) => Promise<Seen>) => {
    return async (options: CallOptions) => {
      // As any store, it answers later.
      await new Promise((resolve) => setImmediate(resolve))
      if (down) throw new StoreUnavailable('down')
      return await how(options)
    }
  }
  return {
    clock,
    all: look((options) => ledger.readAll(options)),
    one: (id: string) => look((options) => ledger.read(processId(id), options)),
    pass: (ms: number) => {
      nowMs += ms
    },
    fail: (is: boolean) => {
      down = is
    },
    create: (id: string) =>
      createProcess(
        deps,
        { id: processId(id), type: 'training', name: undefined, dataset: undefined, config: {} },
        options,
      ),
    report: (id: string, seq: number) =>
      reportProcess(
        deps,
        processId(id),
        {
          ...{ worker: 'w', attempt: 1, seq, status: 'running', step: seq, expectNextInSeconds: 30 },
          ...{ totalSteps: undefined, metrics: undefined, points: [], message: undefined, error: undefined },
        },
        options,
      ),
    cancel: (id: string) => cancelProcess(deps, processId(id), options),
    remove: (id: string) => deleteProcess(deps, processId(id), options),
  }
}

const told = (change: ProcessChange | undefined) => {
  if (change === undefined) return 'the end'
  if (change.kind === 'changed') return `${change.process.state.id} ${change.process.state.version}`
  if (change.kind === 'present') return `there: ${change.ids.join(' ')}`
  return change.kind === 'deleted' ? `${change.id} deleted` : 'unavailable'
}

/** The next change; the generator looks until there is one. */
const nextOf = async (changes: AsyncGenerator<ProcessChange, void>) => told((await changes.next()).value ?? undefined)

/** Without what is told first. */
async function followAll(...args: Parameters<typeof processChanges>): Promise<AsyncGenerator<ProcessChange, void>> {
  const changes = processChanges(...args)
  expect(await nextOf(changes)).toMatch(/^there: /)
  return changes
}

describe('what becomes of all processes', () => {
  it('begins with all that are there, so that who comes back knows what is gone', async () => {
    const { create, cancel, remove, all, clock } = stage()
    for (const id of ['b', 'a', 'c']) await create(id)
    await cancel('c')
    await remove('c')
    const { signal } = new AbortController()
    expect(await nextOf(processChanges(all, { nowMs: clock.nowMs, sinceMs: clock.nowMs(), signal }))).toBe('there: a b')
  })

  it('is told from a quarter of an hour before on, each process as it is', async () => {
    const { create, report, pass, all, clock } = stage()
    await create('old')
    pass(16 * 60_000)
    await create('young')
    const { signal } = new AbortController()
    const changes = await followAll(all, { nowMs: clock.nowMs, sinceMs: clock.nowMs(), signal })
    expect(await nextOf(changes)).toBe('young 1')
    await report('old', 0)
    await report('old', 1)
    expect(await nextOf(changes)).toBe('old 3')
    await create('new')
    expect(await nextOf(changes)).toBe('new 1')
  })

  it('goes on after what was told last', async () => {
    const { create, pass, all, clock } = stage()
    await create('a')
    const lastMs = clock.nowMs()
    pass(3_600_000)
    await create('b')
    pass(3_600_000)
    const { signal } = new AbortController()
    const changes = await followAll(all, { nowMs: clock.nowMs, sinceMs: lastMs, signal })
    expect([await nextOf(changes), await nextOf(changes)]).toEqual(['a 1', 'b 1'])
  })

  it('has workers that fall silent, and processes that are deleted', async () => {
    const { create, report, cancel, remove, pass, all, clock } = stage()
    await create('p')
    await report('p', 0)
    await create('q')
    await cancel('q')
    const { signal } = new AbortController()
    const changes = await followAll(all, { nowMs: clock.nowMs, sinceMs: clock.nowMs(), signal })
    expect([await nextOf(changes), await nextOf(changes)].sort()).toEqual(['p 2', 'q 2'])
    await remove('q')
    expect(await nextOf(changes)).toBe('q deleted')
    pass(41_000)
    expect(await nextOf(changes)).toBe('p 2')
  })

  it('says when nothing can be seen, takes nothing for deleted then, and misses nothing', async () => {
    const { create, fail, all, clock } = stage()
    await create('p')
    const { signal } = new AbortController()
    const changes = await followAll(all, { nowMs: clock.nowMs, sinceMs: clock.nowMs(), signal })
    expect(await nextOf(changes)).toBe('p 1')
    fail(true)
    expect(await nextOf(changes)).toBe('unavailable')
    await create('q')
    fail(false)
    expect(await nextOf(changes)).toBe('q 1')
  })

  it('does not take for deleted what cannot be read', async () => {
    const { create, all, clock } = stage()
    await create('p')
    const { signal } = new AbortController()
    let looks = 0
    const changes = await followAll(
      async (options) => {
        looks += 1
        return looks === 2 ? { processes: [], unreadable: ['p'] } : await all(options)
      },
      { nowMs: clock.nowMs, sinceMs: clock.nowMs(), signal },
    )
    expect(await nextOf(changes)).toBe('p 1')
    const next = nextOf(changes)
    while (looks < 3) await new Promise((resolve) => setTimeout(resolve, 1))
    await create('q')
    expect(await next).toBe('q 1')
  })
})

describe('waiting for a change', () => {
  it('tells that a process is gone which could not be read when it began, and was called there', async () => {
    const { create, all, clock } = stage()
    await create('p')
    let looks = 0
    const { signal } = new AbortController()
    const changes = processChanges(
      async (options) => {
        looks += 1
        return looks === 1 ? { processes: [], unreadable: ['gone', 'p'] } : await all(options)
      },
      { nowMs: clock.nowMs, sinceMs: clock.nowMs(), signal },
    )
    const next = [await nextOf(changes), await nextOf(changes), await nextOf(changes)]
    expect(next).toEqual(['there: gone p', 'p 1', 'gone deleted'])
  })

  it('ends by a timer, also when the clock is set back', async () => {
    const { create, one } = stage()
    await create('p')
    let looks = 0
    const look = one('p')
    let over = () => {}
    const clock = {
      nowMs: () => 1e12 - looks * 3_600_000,
      sleep: () =>
        new Promise<void>((resolve) => {
          over = resolve
        }),
    }
    const { signal } = new AbortController()
    const process = await awaitChange(
      async (options) => {
        looks += 1
        if (looks === 3) over()
        return await look(options)
      },
      { clock, isKnown: () => true, waitMs: 25_000, signal },
    )
    expect([process?.state.id, looks]).toEqual(['p', 3])
  })
})

describe('what becomes of one process', () => {
  it('begins with what it is, and ends when it is deleted', async () => {
    const { create, cancel, remove, one, clock } = stage()
    await create('p')
    const { signal } = new AbortController()
    const changes = changesOfProcess(one('p'), { nowMs: clock.nowMs, id: processId('p'), after: undefined, signal })
    expect(await nextOf(changes)).toBe('p 1')
    await cancel('p')
    expect(await nextOf(changes)).toBe('p 2')
    await remove('p')
    expect(await nextOf(changes)).toBe('p deleted')
    expect(await nextOf(changes)).toBe('the end')
  })

  it('goes on after the version that was told last, and never goes back', async () => {
    const { create, report, one, clock } = stage()
    await create('p')
    await report('p', 0)
    const { signal } = new AbortController()
    const look = one('p')
    const old = await look({ signal })
    let looks = 0
    const changes = changesOfProcess(
      async (options) => {
        looks += 1
        // An instance that lags behind.
        return looks === 3 ? old : await look(options)
      },
      { nowMs: clock.nowMs, id: processId('p'), after: 2, signal },
    )
    const next = nextOf(changes)
    while (looks < 1) await new Promise((resolve) => setTimeout(resolve, 1))
    await report('p', 1)
    expect(await next).toBe('p 3')
    const later = nextOf(changes)
    while (looks < 4) await new Promise((resolve) => setTimeout(resolve, 1))
    await report('p', 2)
    expect(await later).toBe('p 4')
  })
})
