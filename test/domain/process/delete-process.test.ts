import { beforeEach, expect, it } from 'vitest'
import { createMemoryObjectStore } from '../../../src/adapters/memory/object-store.ts'
import { createDigests } from '../../../src/adapters/node-crypto/digests.ts'
import { createIds } from '../../../src/adapters/web-crypto/ids.ts'
import { createLedger } from '../../../src/domain/process/create-ledger.ts'
import { createProcess } from '../../../src/domain/process/create-process.ts'
import { deleteProcess } from '../../../src/domain/process/delete-process.ts'
import { processId } from '../../../src/domain/process/process-state.ts'
import { cancelProcess, retryProcess } from '../../../src/domain/process/steer-process.ts'
import { StoreUnavailable } from '../../../src/ports/errors.ts'
import type { ObjectStore } from '../../../src/ports/object-store.ts'

const { signal } = new AbortController()
const options = { signal, idempotencyKey: undefined }
const id = processId('p')
const quiet = () => {}
const log = { debug: quiet, info: quiet, warn: quiet, error: quiet }
const lost = () => ({ outcome: 'unknown', cause: new StoreUnavailable('the answer was lost') }) as const

let memory: ObjectStore
let nowMs = 0
/** Time passes only while somebody sleeps. */
const clock = {
  nowMs: () => nowMs,
  async sleep(ms: number) {
    nowMs += ms
  },
}
const depsOn = (store: ObjectStore) => {
  const [digests, ids] = [createDigests(), createIds()]
  return { ledger: createLedger({ store, digests, clock, ids, log }), digests, clock, ids }
}
const isThere = async () => (await depsOn(memory).ledger.read(id, { signal })) !== undefined

beforeEach(async () => {
  memory = createMemoryObjectStore({ nowMs: Date.now })
  const wanted = { id, type: 'training', name: undefined, dataset: undefined, config: {} } as const
  await createProcess(depsOn(memory), wanted, options)
  await cancelProcess(depsOn(memory), id, options)
})

it('a deletion whose answer was lost has happened when the process is gone', async () => {
  const store: ObjectStore = { ...memory, put: (...args) => memory.put(...args).then(lost) }
  await deleteProcess(depsOn(store), id, { signal })
  expect(await isThere()).toBe(false)
})

it('a deletion that was not heard is made again', async () => {
  let tries = 0
  const store: ObjectStore = {
    ...memory,
    put: async (...args) => (++tries < 3 ? lost() : memory.put(...args)),
  }
  await deleteProcess(depsOn(store), id, { signal })
  expect(tries).toBe(3)
  expect(await isThere()).toBe(false)
})

it('a process that was queued again, while the answer was lost, stays', async () => {
  const store: ObjectStore = {
    ...memory,
    async put() {
      await retryProcess(depsOn(memory), id, options)
      return lost()
    },
  }
  await expect(deleteProcess(depsOn(store), id, { signal })).rejects.toMatchObject({ code: 'illegal-transition' })
  expect((await depsOn(memory).ledger.read(id, { signal }))?.state.status).toBe('queued')
})

it('is unknown when no answer comes for long', async () => {
  const store: ObjectStore = { ...memory, put: async () => lost() }
  await expect(deleteProcess(depsOn(store), id, { signal })).rejects.toBeInstanceOf(StoreUnavailable)
})

it('a process that is not there is fine', async () => {
  await deleteProcess(depsOn(memory), processId('never'), { signal })
  await deleteProcess(depsOn(memory), id, { signal })
  await deleteProcess(depsOn(memory), id, { signal })
})
