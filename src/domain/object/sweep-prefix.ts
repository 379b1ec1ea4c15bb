import type { Log } from '../../ports/log.ts'
import type { CallOptions, ObjectStore } from '../../ports/object-store.ts'

/**
 * Deletes bookkeeping of ours that is older than `maxAgeMs`, among the first 1,000 objects below `prefix`. For use on the
 * way: costs one LIST, never throws, and what is left is found the next time.
 */
export async function sweepPrefix(
  { store, log }: { store: ObjectStore; log: Log },
  prefix: string,
  { maxAgeMs, nowMs, signal }: CallOptions & { maxAgeMs: number; nowMs: number },
): Promise<void> {
  try {
    const { objects } = await store.list({ prefix, limit: 1000, signal })
    const old = objects.filter(({ lastModified }) => nowMs - lastModified.getTime() > maxAgeMs)
    if (old.length === 0) return
    await store.deleteMany(
      old.map(({ key }) => key),
      { signal },
    )
    log.info('swept', { prefix, count: old.length })
  } catch (error) {
    log.warn('not-swept', { prefix, error })
  }
}
