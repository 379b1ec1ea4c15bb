import type { CallOptions } from '../../ports/object-store.ts'

/** What the work comes to, or the signal's reason as soon as it is aborted: also where the work is deaf to its signal. */
export async function inTime<Result>(
  { signal }: CallOptions,
  work: (options: CallOptions) => Promise<Result>,
): Promise<Result> {
  signal.throwIfAborted()
  let stop = () => {}
  const stopped = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason)
    signal.addEventListener('abort', stop, { once: true })
  })
  try {
    return await Promise.race([work({ signal }), stopped])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
