import { describe, expect, it } from 'vitest'
import { createMemoryObjectStore } from '../../../src/adapters/memory/object-store.ts'
import { createDigests } from '../../../src/adapters/node-crypto/digests.ts'
import { createIds } from '../../../src/adapters/web-crypto/ids.ts'
import { createLedger } from '../../../src/domain/process/create-ledger.ts'
import { createProcess } from '../../../src/domain/process/create-process.ts'
import { deleteProcess } from '../../../src/domain/process/delete-process.ts'
import { processId } from '../../../src/domain/process/process-state.ts'
import { reportProcess } from '../../../src/domain/process/report-process.ts'
import { cancelProcess, retryProcess } from '../../../src/domain/process/steer-process.ts'
import { StoreUnavailable } from '../../../src/ports/errors.ts'
import type { ObjectStore } from '../../../src/ports/object-store.ts'
import { createTestClock, unending } from '../../app/memory-service.ts'

const silent = () => {}
const log = { debug: silent, info: silent, warn: silent, error: silent }
const id = processId('p')
const options = { signal: unending, idempotencyKey: undefined }

/** A store that takes the next write, loses its answer, and lets others go on before anybody looks. */
function open() {
  const clock = createTestClock()
  const digests = createDigests()
  const store = createMemoryObjectStore(clock)
  let meanwhile: (() => Promise<unknown>) | undefined
  const losing: ObjectStore = {
    ...store,
    async put(...put) {
      const outcome = await store.put(...put)
      const others = meanwhile
      meanwhile = undefined
      if (others === undefined) return outcome
      await others()
      return { outcome: 'unknown', cause: new StoreUnavailable('the answer was lost') }
    },
  }
  const depsOn = (one: ObjectStore) => {
    const ids = createIds()
    return { ledger: createLedger({ store: one, clock, ids, digests, log }), clock, ids, digests }
  }
  const others = depsOn(store)
  const wanted = { id, type: 'training', name: undefined, dataset: undefined, config: {} } as const
  const say = (deps: typeof others, seq: number, status: 'running' | 'failed', attempt = 1) =>
    reportProcess(
      deps,
      id,
      {
        ...{ worker: 'w1', attempt, seq, status, step: seq, totalSteps: undefined, metrics: undefined },
        ...{ points: undefined, message: undefined, error: undefined, expectNextInSeconds: undefined },
      },
      options,
    )
  return {
    deps: depsOn(losing),
    others,
    say,
    create: () => createProcess(others, wanted, options),
    afterTheNextWrite(happens: () => Promise<unknown>) {
      meanwhile = happens
    },
  }
}

describe('an operation whose answer was lost, and on top of which others went on', () => {
  it('is not fenced: a report that was the last of its attempt', async () => {
    const { deps, others, say, create, afterTheNextWrite } = open()
    await create()
    await say(others, 1, 'running')
    afterTheNextWrite(() => retryProcess(others, id, options))
    expect(await say(deps, 2, 'failed')).toMatchObject({ repeated: false, state: { attempt: 2, status: 'queued' } })
    await expect(say(deps, 3, 'running')).rejects.toMatchObject({ code: 'fenced' })
  })

  it('is not refused: a cancel of what was deleted since', async () => {
    const { deps, others, create, afterTheNextWrite } = open()
    await create()
    afterTheNextWrite(() => deleteProcess(others, id, options))
    expect(await cancelProcess(deps, id, options)).toMatchObject({ repeated: false, state: { status: 'cancelled' } })
    expect(await deps.ledger.read(id, options)).toBeUndefined()
  })

  it('has no second effect on a process of the same id that was made since', async () => {
    const { deps, others, say, create, afterTheNextWrite } = open()
    await create()
    await say(others, 1, 'running')
    afterTheNextWrite(async () => {
      await deleteProcess(others, id, options)
      await create()
    })
    expect(await say(deps, 2, 'failed')).toMatchObject({ repeated: false, state: { attempt: 2, status: 'queued' } })
    await expect(say(deps, 1, 'running')).rejects.toMatchObject({ code: 'fenced' })
  })
})
