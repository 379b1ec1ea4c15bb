import type { ObjectKey } from '../../src/ports/object-key.ts'
import type { ObjectStore } from '../../src/ports/object-store.ts'

const counted = [
  'put',
  'get',
  'head',
  'list',
  'delete',
  'deleteMany',
  'createMultipart',
  'putPart',
  'completeMultipart',
] as const
type Counted = (typeof counted)[number]

export interface StoreCall {
  readonly call: Counted
  /** The key, or the prefix of a listing; empty where there are several. */
  readonly key: string
}

export interface CountedStore {
  readonly wrap: (store: ObjectStore) => ObjectStore
  readonly calls: StoreCall[]
  /** How often; with `key`, only calls about that key. */
  count(call: Counted, key?: string): number
  /** All calls that change something. */
  writes(): StoreCall[]
  reset(): void
}

/** Sees every call on its way to the store, and changes nothing. */
export function countCalls(): CountedStore {
  const calls: StoreCall[] = []
  const note = (call: Counted, first: unknown) => {
    const about = first as string | { key?: ObjectKey; prefix?: string }
    calls.push({ call, key: typeof about === 'string' ? about : (about.key ?? about.prefix ?? '') })
  }
  return {
    calls,
    wrap(store) {
      const seen = counted.map((call) => {
        const work = store[call] as (...args: unknown[]) => unknown
        return [
          call,
          (...args: unknown[]) => {
            note(call, args[0])
            return work(...args)
          },
        ]
      })
      return { ...store, ...Object.fromEntries(seen) }
    },
    count: (call, key) => calls.filter((one) => one.call === call && (key === undefined || one.key === key)).length,
    writes: () => calls.filter(({ call }) => call !== 'get' && call !== 'head' && call !== 'list'),
    reset() {
      calls.length = 0
    },
  }
}
