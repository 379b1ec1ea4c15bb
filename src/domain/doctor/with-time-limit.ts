import { StoreUnavailable } from '../../ports/errors.ts'
import type { CallOptions, ObjectStore } from '../../ports/object-store.ts'

/**
 * A store each of whose calls ends after `limitMs` as `StoreUnavailable`; a body has as long as its call. No retries, no
 * breaker: whoever examines a store wants to see each failure, and a breaker that opens would hide what comes after it.
 */
export function withTimeLimit(store: ObjectStore, limitMs: number): ObjectStore {
  const limited = async <Result>({ signal }: CallOptions, call: (signal: AbortSignal) => Promise<Result>) => {
    const late = AbortSignal.timeout(limitMs)
    try {
      return await call(AbortSignal.any([signal, late]))
    } catch (error) {
      signal.throwIfAborted()
      if (!late.aborted) throw error
      throw new StoreUnavailable(`the store did not answer within ${limitMs / 1000} s`, { cause: error })
    }
  }
  return {
    // Many requests. The examination that asks first has its own limit.
    capabilities: (options) => store.capabilities(options),
    put: (key, body, options) => limited(options, (signal) => store.put(key, body, { ...options, signal })),
    get: (key, options) => limited(options, (signal) => store.get(key, { ...options, signal })),
    head: (key, options) => limited(options, (signal) => store.head(key, { signal })),
    list: (options) => limited(options, (signal) => store.list({ ...options, signal })),
    delete: (key, options) => limited(options, (signal) => store.delete(key, { ...options, signal })),
    deleteMany: (keys, options) => limited(options, (signal) => store.deleteMany(keys, { signal })),
    createMultipart: (key, options) => limited(options, (signal) => store.createMultipart(key, { ...options, signal })),
    putPart: (upload, partNumber, body, options) =>
      limited(options, (signal) => store.putPart(upload, partNumber, body, { signal })),
    listParts: (upload, options) => limited(options, (signal) => store.listParts(upload, { signal })),
    completeMultipart: (upload, parts, options) =>
      limited(options, (signal) => store.completeMultipart(upload, parts, { ...options, signal })),
    abortMultipart: (upload, options) => limited(options, (signal) => store.abortMultipart(upload, { signal })),
  }
}
