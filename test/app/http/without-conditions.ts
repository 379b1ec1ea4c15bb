import type { ObjectStore } from '../../../src/ports/object-store.ts'

/** As many S3 dialects do: conditions are taken, and not looked at. */
export function withoutConditions(store: ObjectStore): ObjectStore {
  return {
    ...store,
    capabilities: async (options) => ({
      ...(await store.capabilities(options)),
      conditionalPut: 'none',
      conditionalComplete: 'none',
      conditionalDelete: 'none',
    }),
    put: (key, body, options) => store.put(key, body, { ...options, when: 'always' }),
  }
}
