import { setImmediate } from 'node:timers/promises'
import { createMemoryObjectStore } from '../../../src/adapters/memory/object-store.ts'
import { createDigests } from '../../../src/adapters/node-crypto/digests.ts'
import { createIds } from '../../../src/adapters/web-crypto/ids.ts'
import { createLedger } from '../../../src/domain/process/create-ledger.ts'
import { createProcess } from '../../../src/domain/process/create-process.ts'
import { processId } from '../../../src/domain/process/process-state.ts'
import { type ProcessReport, reportProcess } from '../../../src/domain/process/report-process.ts'
import { claimProcess } from '../../../src/domain/process/steer-process.ts'
import { CodedError } from '../../../src/ports/errors.ts'
import type { ObjectStore } from '../../../src/ports/object-store.ts'
import { withoutConditions } from '../../app/http/without-conditions.ts'
import { createTestClock, unending } from '../../app/memory-service.ts'

const silent = () => {}
const log = { debug: silent, info: silent, warn: silent, error: silent }
export const id = processId('p')
export const options = { signal: unending, idempotencyKey: undefined }

/** Instances of the service as far as processes go, over one store that each of them may see in another way. */
export function openInstances() {
  const clock = createTestClock()
  const digests = createDigests()
  const memory = createMemoryObjectStore(clock)
  const requests = { list: 0, get: 0, put: 0, deleteMany: 0 }
  const store: ObjectStore = {
    ...memory,
    list: (request) => {
      requests.list += 1
      return memory.list(request)
    },
    get: (...get) => {
      requests.get += 1
      return memory.get(...get)
    },
    put: (...put) => {
      requests.put += 1
      return memory.put(...put)
    },
    deleteMany: (...keys) => {
      requests.deleteMany += 1
      return memory.deleteMany(...keys)
    },
  }
  const instance = (over: ObjectStore) => {
    const ids = createIds()
    const deps = { ledger: createLedger({ store: over, clock, ids, digests, log }), clock, ids, digests }
    const wanted = { id, type: 'training', name: undefined, dataset: undefined, config: {} } as const
    return {
      ...deps,
      create: () => createProcess(deps, wanted, options),
      claim: (worker: string) => claimProcess(deps, id, { ...options, worker }),
      report: (seq: number, said: Partial<ProcessReport> = {}) =>
        reportProcess(
          deps,
          id,
          {
            ...{ worker: 'w1', attempt: 1, seq, status: 'running', step: seq, totalSteps: undefined },
            ...{ metrics: undefined, points: undefined, message: undefined, error: undefined },
            ...{ expectNextInSeconds: undefined, ...said },
          },
          options,
        ),
      read: async () => await deps.ledger.read(id, options),
    }
  }
  return {
    clock,
    memory,
    /** Counted. */
    store,
    digests,
    requests,
    /** Sets the counts to nothing, does it, and gives what it cost. */
    async costOf(work: () => Promise<unknown>) {
      Object.assign(requests, { list: 0, get: 0, put: 0, deleteMany: 0 })
      await work()
      return { ...requests }
    },
    deciding: (over: (store: ObjectStore) => ObjectStore = (same) => same) => instance(over(store)),
    merging: (over: (store: ObjectStore) => ObjectStore = (same) => same) => instance(withoutConditions(over(store))),
    keys: async () => {
      const { objects } = await memory.list({ prefix: 'processes/state/', limit: 1000, signal: unending })
      return objects.map(({ key }) => key)
    },
  }
}

/** Long enough for everything that waits for nothing but other promises. */
export async function untilItWaits(turns = 20): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await setImmediate()
}

/** What somebody was told: the holder, or the code of the refusal. */
export async function answerOf(call: Promise<{ state: { worker: string | null } }>): Promise<string | null> {
  try {
    return (await call).state.worker
  } catch (error) {
    if (error instanceof CodedError) return error.code
    throw error
  }
}
