import { StoreUnavailable } from '../../ports/errors.ts'
import type { ObjectKey } from '../../ports/object-key.ts'
import type { CallOptions, Condition, ObjectStore, PutCondition, StoreCapabilities } from '../../ports/object-store.ts'
import type { Exclusive } from './keyed-mutex.ts'
import { neverSent } from './never-sent.ts'

/** No key: a key has no empty segment. */
const capabilitiesTurn = '//capabilities'

/**
 * Makes up for conditions that a store does not have, by looking before writing, and says so: `checked`. Two writers of
 * different instances can still both win, because the look and the write are two requests; for those of one instance see
 * `withTurns`. Costs a `head` for each condition. What the store does by itself passes through. `exclusive` is for the
 * first look at what the store can do.
 */
export function withCheckedConditions(store: ObjectStore, options: { exclusive?: Exclusive } = {}): ObjectStore {
  const { exclusive = (_key, _signal, work) => work() } = options
  let first: StoreCapabilities | undefined

  /**
   * The first look may cost the store many requests, so that callers who come together wait for one of them. After it the
   * store is asked each time: it may be seen to do less.
   */
  const ownCapabilities = async (options: CallOptions): Promise<StoreCapabilities> => {
    options.signal.throwIfAborted()
    if (first !== undefined) return store.capabilities(options)
    return exclusive(capabilitiesTurn, options.signal, async () => {
      first ??= await store.capabilities(options)
      return first
    })
  }

  const conditionHolds = async (key: ObjectKey, when: PutCondition, { signal }: CallOptions): Promise<boolean> => {
    if (when === 'always') return true
    const current = await store.head(key, { signal }).catch((error: unknown) => {
      // The write was not sent, so that it may be tried again.
      throw error instanceof StoreUnavailable ? neverSent(error) : error
    })
    return when === 'if-absent' ? current === undefined : current?.etag === when.ifMatch
  }

  return {
    ...store,

    async capabilities(options) {
      const own = await ownCapabilities(options)
      return {
        ...own,
        conditionalPut: atLeastChecked(own.conditionalPut),
        conditionalComplete: atLeastChecked(own.conditionalComplete),
        conditionalDelete: atLeastChecked(own.conditionalDelete),
      }
    },

    async put(key, body, options) {
      const { conditionalPut } = await ownCapabilities(options)
      if (conditionalPut !== 'none') return store.put(key, body, options)
      if (!(await conditionHolds(key, options.when, options))) return { outcome: 'rejected' }
      return store.put(key, body, { ...options, when: 'always' })
    },

    async completeMultipart(upload, parts, options) {
      const { conditionalComplete } = await ownCapabilities(options)
      if (conditionalComplete !== 'none') return store.completeMultipart(upload, parts, options)
      if (!(await conditionHolds(upload.key, options.when, options))) return { outcome: 'rejected' }
      return store.completeMultipart(upload, parts, { ...options, when: 'always' })
    },

    async delete(key, { signal, ifMatch }) {
      if (ifMatch === undefined) return store.delete(key, { signal })
      const { conditionalDelete } = await ownCapabilities({ signal })
      if (conditionalDelete !== 'none') return store.delete(key, { signal, ifMatch })
      if (!(await conditionHolds(key, { ifMatch }, { signal }))) return { outcome: 'rejected' }
      return store.delete(key, { signal })
    },
  }
}

const atLeastChecked = (condition: Condition): Condition => (condition === 'none' ? 'checked' : condition)
