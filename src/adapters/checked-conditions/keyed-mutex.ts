/** Runs `work` while nobody else's runs for the same key. Waiting ends with the signal's reason when it is aborted. */
export type Exclusive = <Result>(key: string, signal: AbortSignal, work: () => Promise<Result>) => Promise<Result>

/** First come, first served, within this process. Forgets a key when nobody holds or awaits it. Not for Workers. */
export function createKeyedMutex(): Exclusive {
  /** Per key, when the last in the queue will be done. */
  const queues = new Map<string, Promise<void>>()

  return async (key, signal, work) => {
    const before = queues.get(key)
    let leave = () => {}
    const left = new Promise<void>((resolve) => {
      leave = resolve
    })
    // Who gives up while waiting stays in the queue until it is his turn, so that the order holds for those behind.
    const done = (before ?? Promise.resolve()).then(() => left)
    queues.set(key, done)
    try {
      await orAborted(before, signal)
      return await work()
    } finally {
      leave()
      done.then(() => {
        if (queues.get(key) === done) queues.delete(key)
      })
    }
  }
}

async function orAborted(turn: Promise<void> | undefined, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  if (turn === undefined) return
  let giveUp = () => {}
  const aborted = new Promise<never>((_, reject) => {
    giveUp = () => reject(signal.reason)
    signal.addEventListener('abort', giveUp, { once: true })
  })
  try {
    await Promise.race([turn, aborted])
  } finally {
    signal.removeEventListener('abort', giveUp)
  }
}
