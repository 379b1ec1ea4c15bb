import { expect, it } from 'vitest'
import { createMemoryObjectStore } from '../../../src/adapters/memory/object-store.ts'
import { createDigests } from '../../../src/adapters/node-crypto/digests.ts'
import { createIds } from '../../../src/adapters/web-crypto/ids.ts'
import { beatProcess } from '../../../src/domain/process/beat-process.ts'
import { claimOldest } from '../../../src/domain/process/claim-oldest.ts'
import { createLedger } from '../../../src/domain/process/create-ledger.ts'
import { createProcess } from '../../../src/domain/process/create-process.ts'
import { livenessOf } from '../../../src/domain/process/liveness.ts'
import { processId } from '../../../src/domain/process/process-state.ts'
import { claimProcess, takeOverProcess } from '../../../src/domain/process/steer-process.ts'
import { StoreUnavailable } from '../../../src/ports/errors.ts'
import { parseObjectKey } from '../../../src/ports/object-key.ts'
import type { ObjectStore } from '../../../src/ports/object-store.ts'

const quiet = () => {}
const log = { debug: quiet, info: quiet, warn: quiet, error: quiet }
const { signal } = new AbortController()
const options = { signal, idempotencyKey: undefined }
const hourMs = 3_600_000
const down = () => Promise.reject(new StoreUnavailable('down'))

function stage(spoil: (memory: ObjectStore) => Partial<ObjectStore> = () => ({})) {
  let nowMs = Date.parse('2026-03-01T12:00:00.000Z')
  const clock = { nowMs: () => nowMs, sleep: async () => {} }
  const memory = createMemoryObjectStore(clock)
  const [ids, digests] = [createIds(), createDigests()]
  const on = (store: ObjectStore) => {
    return { ledger: createLedger({ store, clock, ids, digests, log }), clock, ids, digests }
  }
  const deps = on(memory)
  return {
    memory,
    deps,
    /** As another instance sees it, whose store is spoiled. */
    spoiled: on({ ...memory, ...spoil(memory) }),
    pass: (ms: number) => {
      nowMs += ms
    },
    lifeOf: async () => {
      const { processes, unreadable } = await on({ ...memory, ...spoil(memory) }).ledger.readAll({ signal })
      return { lives: processes.map(({ state }) => livenessOf(state, nowMs)), unreadable }
    },
    async claimed(...names: string[]) {
      for (const name of names) {
        const wanted = {
          id: processId(name),
          type: 'training',
          name: undefined,
          dataset: undefined,
          config: {},
        } as const
        await createProcess(deps, wanted, options)
        await claimProcess(deps, processId(name), { worker: 'w', ...options })
      }
    },
  }
}

const counted = (memory: ObjectStore, calls: string[]): Partial<ObjectStore> => ({
  head: (key, options) => {
    calls.push(`head ${key}`)
    return memory.head(key, options)
  },
  list: (options) => {
    calls.push(`list ${options.prefix}`)
    return memory.list(options)
  },
})

it('many silent workers cost one listing of heartbeats, and few of them a look each', async () => {
  const calls: string[] = []
  const { claimed, pass, lifeOf, deps } = stage((memory) => counted(memory, calls))
  await claimed('a', 'b')
  pass(hourMs)
  expect((await lifeOf()).lives).toEqual(['lost', 'lost'])
  expect(calls.filter((call) => call.startsWith('head'))).toHaveLength(2)
  await claimed(...Array.from({ length: 20 }, (_, i) => `p${i}`))
  pass(hourMs)
  await beatProcess(deps, processId('p7'), { worker: 'w', attempt: 1 }, { signal })
  calls.length = 0
  expect((await lifeOf()).lives.filter((life) => life === 'alive')).toHaveLength(1)
  expect(calls).toEqual(['list processes/state/', 'list processes/heartbeats/'])
})

it('a worker whose heartbeat cannot be looked at is not called lost: in a list it cannot be read', async () => {
  const { claimed, pass, lifeOf, spoiled } = stage(() => ({ head: down }))
  await claimed('p')
  pass(hourMs)
  expect(await lifeOf()).toEqual({ lives: [], unreadable: ['p'] })
  const takeover = takeOverProcess(spoiled, processId('p'), { worker: 'other', ...options })
  await expect(takeover).rejects.toBeInstanceOf(StoreUnavailable)
})

it('no two heartbeats are the same bytes, so that one that was lost is not taken for the one before', async () => {
  const { claimed, deps, memory } = stage()
  await claimed('p')
  const bodies = new Set<string>()
  for (let i = 0; i < 3; i++) {
    await beatProcess(deps, processId('p'), { worker: 'w', attempt: 1 }, { signal })
    const found = await memory.get(parseObjectKey('processes/heartbeats/p/1.json'), { signal })
    bodies.add(await new Response(found?.body).text())
  }
  expect(bodies.size).toBe(3)
})

const failingGets = (of: string) => (memory: ObjectStore) => ({
  get: ((key, options) => (key.includes(of) ? down() : memory.get(key, options))) as ObjectStore['get'],
})

it('a claim that is repeated while the process given before cannot be read is not given another', async () => {
  const { deps, spoiled, pass } = stage(failingGets('/p1.json'))
  for (const name of ['p1', 'p2']) {
    const wanted = { id: processId(name), type: 'training', name: undefined, dataset: undefined, config: {} } as const
    await createProcess(deps, wanted, options)
    pass(1_000)
  }
  const claim = { worker: 'w', types: undefined, idempotencyKey: 'k', signal }
  expect((await claimOldest(deps, claim))?.state.id).toBe('p1')
  await expect(claimOldest(spoiled, claim)).rejects.toBeInstanceOf(StoreUnavailable)
  expect((await claimOldest(deps, claim))?.state.id).toBe('p1')
  // Whoever asks for any other is given one.
  expect((await claimOldest(spoiled, { ...claim, worker: 'v', idempotencyKey: undefined }))?.state.id).toBe('p2')
})

it('that nothing can be read is not that nothing is queued', async () => {
  const { deps, spoiled } = stage(failingGets('processes/state/'))
  const wanted = { id: processId('p'), type: 'training', name: undefined, dataset: undefined, config: {} } as const
  await createProcess(deps, wanted, options)
  const claim = { worker: 'w', types: undefined, idempotencyKey: undefined, signal }
  await expect(claimOldest(spoiled, claim)).rejects.toBeInstanceOf(StoreUnavailable)
})

it('a damaged process keeps nobody from the others', async () => {
  const { deps, memory } = stage()
  await memory.put(parseObjectKey('processes/state/bad.json'), new Uint8Array([1]), {
    ...{ signal, when: 'always', contentType: 'application/json' },
  })
  const claim = { worker: 'w', types: undefined, idempotencyKey: 'k', signal }
  expect(await claimOldest(deps, claim)).toBeUndefined()
})
