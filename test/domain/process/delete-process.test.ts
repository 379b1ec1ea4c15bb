import { beforeEach, expect, it } from 'vitest'
import { createMemoryObjectStore } from '../../../src/adapters/memory/object-store.ts'
import { createDigests } from '../../../src/adapters/node-crypto/digests.ts'
import { createIds } from '../../../src/adapters/web-crypto/ids.ts'
import { createProcess } from '../../../src/domain/process/create-process.ts'
import { deleteProcess } from '../../../src/domain/process/delete-process.ts'
import { processId, stateKey } from '../../../src/domain/process/process-state.ts'
import { readProcess } from '../../../src/domain/process/process-store.ts'
import { cancelProcess, retryProcess } from '../../../src/domain/process/steer-process.ts'
import { StoreUnavailable } from '../../../src/ports/errors.ts'
import type { ObjectStore } from '../../../src/ports/object-store.ts'

const { signal } = new AbortController()
const id = processId('p')
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
const depsOn = (store: ObjectStore) => ({ store, digests: createDigests(), clock, ids: createIds() })

beforeEach(async () => {
  memory = createMemoryObjectStore({ nowMs: Date.now })
  await createProcess(
    depsOn(memory),
    { id, type: 'training', name: undefined, dataset: undefined, config: {} },
    { signal, idempotencyKey: undefined },
  )
  await cancelProcess(depsOn(memory), id, { signal, idempotencyKey: undefined })
})

it('a deletion whose answer was lost has happened when the process is gone', async () => {
  const store: ObjectStore = { ...memory, delete: (...args) => memory.delete(...args).then(lost) }
  await deleteProcess(depsOn(store), id, { signal })
  expect(await memory.head(stateKey(id), { signal })).toBeUndefined()
})

it('a deletion that was not heard is made again', async () => {
  let tries = 0
  const store: ObjectStore = {
    ...memory,
    delete: async (...args) => (++tries < 3 ? lost() : memory.delete(...args)),
  }
  await deleteProcess(depsOn(store), id, { signal })
  expect(tries).toBe(3)
  expect(await memory.head(stateKey(id), { signal })).toBeUndefined()
})

it('a process that was queued again, while the answer was lost, stays', async () => {
  const store: ObjectStore = {
    ...memory,
    async delete() {
      await retryProcess(depsOn(memory), id, { signal, idempotencyKey: undefined })
      return lost()
    },
  }
  await expect(deleteProcess(depsOn(store), id, { signal })).rejects.toMatchObject({ code: 'illegal-transition' })
  expect((await readProcess(memory, id, { signal }))?.state.status).toBe('queued')
})

it('is unknown when no answer comes for long', async () => {
  const store: ObjectStore = { ...memory, delete: async () => lost() }
  await expect(deleteProcess(depsOn(store), id, { signal })).rejects.toBeInstanceOf(StoreUnavailable)
})
