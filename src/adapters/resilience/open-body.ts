import type { ObjectKey } from '../../ports/object-key.ts'
import type { ETag, ObjectStore, Range, StoredObject } from '../../ports/object-store.ts'

export interface OpenedBody {
  readonly found: StoredObject
  /** Ends the request behind the body. */
  release(reason: unknown): void
}

/**
 * One attempt at opening a body that outlives the attempt. The body has a signal of its own, which follows the attempt's (and
 * thereby the caller's) while the headers are awaited; then whoever reads it lets it go by `release`.
 */
export async function openBody(
  store: ObjectStore,
  key: ObjectKey,
  { range, ifMatch }: { range?: Range; ifMatch?: ETag },
  attempt: AbortSignal,
): Promise<OpenedBody | undefined> {
  const own = new AbortController()
  const release = (reason: unknown) => own.abort(reason)
  const giveUp = () => release(attempt.reason)
  attempt.addEventListener('abort', giveUp, { once: true })
  try {
    const which = { ...(range !== undefined && { range }), ...(ifMatch !== undefined && { ifMatch }) }
    const found = await store.get(key, { ...which, signal: own.signal })
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
