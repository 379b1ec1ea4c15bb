import { createLedger } from '../../src/domain/process/create-ledger.ts'
import { pauseMs } from '../../src/domain/process/ledger-deps.ts'
import { decodeEvent } from '../../src/domain/process/merge/process-event.ts'
import type { ProcessOperation } from '../../src/domain/process/operation.ts'
import type { AppliedOperation, ProcessLedger, Sync } from '../../src/domain/process/process-ledger.ts'
import {
  decodeState,
  encodeState,
  type ProcessId,
  type ProcessState,
  stateKey,
} from '../../src/domain/process/process-state.ts'
import { readWhole } from '../../src/domain/process/read-whole.ts'
import { IllegalTransition, ProcessExists } from '../../src/domain/process/refusals.ts'
import { transition } from '../../src/domain/process/transition.ts'
import { StoreUnavailable } from '../../src/ports/errors.ts'
import { parseObjectKey } from '../../src/ports/object-key.ts'
import type { ObjectStore } from '../../src/ports/object-store.ts'
import type { Changes, LedgerParts } from './instance.ts'

export interface Mutant {
  readonly name: string
  /** One of these must be found violated. */
  readonly breaks: readonly string[]
  readonly sync: Sync
  readonly changes: Changes
}

/** What the update loop may forget. With none of it forgotten it is as good as the real one. */
interface Loop {
  /** Which operations of before it knows again. */
  readonly remembers?: 'all' | 'newest' | 'none'
  /** Whether it knows its own write again. */
  readonly knowsOwnWrite?: boolean
  /** Whether a condition that did not hold is the answer, instead of a reason to look again. */
  readonly rejectedIsFinal?: boolean
  readonly fences?: boolean
  readonly deletesTheKey?: boolean
}

const digests = ({ digests }: LedgerParts, body: Uint8Array) => {
  const running = digests.start()
  running.update(body)
  return running.read()
}

/** The update loop once more, so that it can be written wrongly. */
export function loopWith(loop: Loop): Changes {
  const {
    remembers = 'all',
    knowsOwnWrite = true,
    rejectedIsFinal = false,
    fences = true,
    deletesTheKey = false,
  } = loop
  const forgetful = (state: ProcessState): ProcessState => {
    if (remembers === 'all') return state
    const operations = remembers === 'newest' ? state.operations.slice(-1) : []
    return { ...state, operations, lastSeq: remembers === 'newest' ? state.lastSeq : -1 }
  }
  const adapted = (operation: ProcessOperation, state: ProcessState | undefined): ProcessOperation =>
    fences || operation.kind !== 'report' || state === undefined || state.worker === null
      ? operation
      : { ...operation, attempt: state.attempt, worker: state.worker }

  return {
    ledger(parts): ProcessLedger {
      const { store, clock, ids } = parts
      const apply = async (
        id: ProcessId,
        operation: ProcessOperation,
        options: { signal: AbortSignal },
      ): Promise<AppliedOperation> => {
        for (let round = 0; round < 12; round++) {
          const found = await store.get(stateKey(id), options)
          const read = found && decodeState(await readWhole(found))
          const heardAt = read?.worker ? (read.heardAt ?? found?.meta.lastModified.toISOString() ?? null) : null
          const state = read && { ...read, heardAt }
          const seen = (etag: AppliedOperation['etag'], of: ProcessState, repeated: boolean): AppliedOperation => ({
            ...{ state: of, etag, repeated, sync: 'cas', conflicts: [] },
          })
          if (found && state && knowsOwnWrite && state.writeId === operation.writeId) {
            return seen(found.meta.etag, state, false)
          }
          const decided = transition(state && forgetful(state), adapted(operation, state))
          if (decided.kind === 'refused') throw decided.error
          if (decided.kind === 'unchanged') {
            if (found === undefined || state === undefined) throw new TypeError('nothing is unchanged')
            return seen(found.meta.etag, state, decided.repeated)
          }
          if (deletesTheKey && operation.kind === 'delete') {
            await store.delete(stateKey(id), options)
            return seen('' as AppliedOperation['etag'], decided.state, false)
          }
          const operations = [...(state?.operations ?? []), ...decided.state.operations.slice(-1)].filter(
            (one, index, all) => all.indexOf(one) === index,
          )
          const next = remembers === 'all' ? decided.state : { ...decided.state, operations: operations.slice(-64) }
          const body = encodeState(next)
          const written = await store.put(stateKey(id), body, {
            ...{ contentType: 'application/json', checksums: digests(parts, body), signal: options.signal },
            when: found === undefined ? 'if-absent' : { ifMatch: found.meta.etag },
          })
          if (written.outcome === 'applied') return seen(written.etag, next, false)
          if (written.outcome === 'rejected' && rejectedIsFinal) {
            throw operation.kind === 'create' ? new ProcessExists('taken') : new IllegalTransition('changed meanwhile')
          }
          await clock.sleep(pauseMs(round, ids), options.signal)
        }
        throw new StoreUnavailable('not in time')
      }
      return { ...createLedger(parts), apply }
    },
  }
}

const withPut = (put: (store: ObjectStore) => ObjectStore['put']): Changes => ({
  store: (store) => ({ ...store, put: put(store) }),
})

/** Sends again what may have been heard, as SDKs do: the second request then meets the first one's write. */
const sendingAgain = withPut((store) => async (key, body, options) => {
  const first = await store.put(key, body, options)
  return first.outcome === 'unknown' ? await store.put(key, body, options) : first
})

/** The protocols that look right and are not: each has broken somebody's data somewhere. */
export const mutants: readonly Mutant[] = [
  {
    name: 'writes without a condition',
    breaks: ['I1', 'I5'],
    sync: 'cas',
    changes: withPut((store) => (key, body, options) => store.put(key, body, { ...options, when: 'always' })),
  },
  {
    name: 'tries again without knowing what it has done',
    breaks: ['I2'],
    sync: 'cas',
    changes: loopWith({ remembers: 'none', knowsOwnWrite: false }),
  },
  {
    name: 'knows its write only while it is the last',
    breaks: ['I2'],
    sync: 'cas',
    changes: loopWith({ remembers: 'none' }),
  },
  {
    name: 'lets the client send again, and believes its 412',
    breaks: ['I3'],
    sync: 'cas',
    changes: { ...loopWith({ rejectedIsFinal: true }), ...sendingAgain },
  },
  {
    name: 'remembers one operation',
    breaks: ['I2', 'I15'],
    sync: 'cas',
    changes: loopWith({ remembers: 'newest' }),
  },
  {
    name: 'does not fence',
    breaks: ['I8'],
    sync: 'cas',
    changes: loopWith({ fences: false }),
  },
  {
    name: 'deletes the key and lets it be made again',
    breaks: ['I15'],
    sync: 'cas',
    changes: loopWith({ deletesTheKey: true }),
  },
  {
    name: 'measures silence by the clocks of nodes',
    breaks: ['I12'],
    sync: 'cas',
    changes: {
      ledger(parts) {
        const ledger = createLedger(parts)
        const wrong = <Read extends { readonly state: ProcessState }>(read: Read): Read => ({
          ...read,
          state: { ...read.state, heardAt: read.state.heardAt && read.state.updatedAt },
        })
        return {
          ...ledger,
          nowMs: () => parts.clock.nowMs(),
          async read(id, options) {
            const found = await ledger.read(id, options)
            return found && wrong(found)
          },
        }
      },
    },
  },
  {
    name: 'gives each writer a key that it writes over',
    breaks: ['I10', 'I1'],
    sync: 'merge',
    changes: {
      ledger(parts) {
        const { store } = parts
        const overwriting: ObjectStore = {
          ...store,
          async put(key, body, options) {
            const event = decodeEvent(body, parts.digests)
            const own = event?.kind === 'report' ? key.replace(/[^/]+$/, `${event.worker}.json`) : key
            return await store.put(parseObjectKey(own), body, options)
          },
        }
        return createLedger({ ...parts, store: overwriting })
      },
    },
  },
  {
    name: 'reads the first page of a listing',
    breaks: ['I11'],
    sync: 'cas',
    changes: {
      store: (store) => ({
        ...store,
        list: async (request) => ({ ...(await store.list(request)), cursor: undefined }),
      }),
    },
  },
]
