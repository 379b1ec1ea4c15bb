import type { ObjectKey } from '../../ports/object-key.ts'
import type { CallOptions, ETag, ObjectStore, Range, StoredObject } from '../../ports/object-store.ts'

export interface OpenedBody {
  readonly found: StoredObject
  /** Ends the request behind the body. */
  release(reason: unknown): void
}

/**
 * One attempt at opening a body that outlives the attempt. A time-out aborts its signal when it is over, well or not, so
 * the body has a signal of its own, which follows the attempt's while the headers are awaited, and then the caller's alone.
 */
export async function openBody(
  store: ObjectStore,
  key: ObjectKey,
  { signal, ...which }: CallOptions & { range?: Range; ifMatch?: ETag },
  attempt: AbortSignal,
): Promise<OpenedBody | undefined> {
  const own = new AbortController()
  const release = (reason: unknown) => own.abort(reason)
  const giveUp = () => release(attempt.reason)
  attempt.addEventListener('abort', giveUp, { once: true })
  try {
    const found = await store.get(key, { ...which, signal: AbortSignal.any([signal, own.signal]) })
    if (attempt.aborted) {
      // It came too late, from a store that does not listen. Nobody waits for it any more.
      found?.body.cancel(attempt.reason).catch(() => {})
      attempt.throwIfAborted()
    }
    return found && { found, release }
  } finally {
    attempt.removeEventListener('abort', giveUp)
  }
}
