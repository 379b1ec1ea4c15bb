import { createMemoryObjectStore } from '../../../src/adapters/memory/object-store.ts'
import type { ObjectMeta, ObjectStore } from '../../../src/ports/object-store.ts'

/** A memory store that keeps bytes and nothing that is said of them, as RunPod's does. */
export function createForgetfulStore(inner: ObjectStore = createMemoryObjectStore({ nowMs: Date.now })): ObjectStore {
  const forgotten = { contentType: 'binary/octet-stream', checksums: undefined, attributes: {} }
  const bare = (meta: ObjectMeta): ObjectMeta => ({ ...meta, ...forgotten })
  return {
    ...inner,
    capabilities: async (options) => ({ ...(await inner.capabilities(options)), objectMetadata: false }),
    async head(key, options) {
      const meta = await inner.head(key, options)
      return meta && bare(meta)
    },
    async get(key, options) {
      const found = await inner.get(key, options)
      return found && { ...found, meta: bare(found.meta) }
    },
  }
}
