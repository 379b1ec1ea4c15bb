import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { untilAborted } from './abortable.ts'
import { systemCode } from './errors.ts'

/** Locks of the system on whole files, for one open file description each; the kernel frees them when a process dies. */
export interface FileLock {
  /** Without waiting; false when another description holds it. Closing the description unlocks. */
  tryLock(fd: number): boolean
}

/** The native part, or `undefined` on machines for which it was not built. */
export async function loadFileLock(): Promise<FileLock | undefined> {
  try {
    return await import('fs-native-extensions')
  } catch {
    return undefined
  }
}

export interface Locks {
  /** Runs `work` while nobody else, in this or another process, runs work under the same name. Waits abortably. */
  hold<T>(folder: string, name: string, signal: AbortSignal, work: () => Promise<T>): Promise<T>
  /** Whether the exclusion reaches other processes: asks the system once. */
  reachOthers(folder: string): Promise<boolean>
}

const longestPauseMs = 25
const unsupported = new Set(['ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'ENOLCK', 'EINVAL'])

/**
 * One lock file for every 256th of the names: byte ranges of a single file would do on Linux, but macOS locks whole files
 * only. Waiting is trying again, because a thread that waits in the kernel is one that the holder may need.
 */
export function createLocks(load: () => Promise<FileLock | undefined>): Locks {
  const turns = createTurns()
  let reaching: Promise<FileLock | undefined> | undefined

  const fileLock = (folder: string) => {
    reaching ??= load()
      .then(async (lock) => (lock && (await works(lock, join(folder, 'probe'))) ? lock : undefined))
      .catch((error: unknown) => {
        reaching = undefined
        throw error
      })
    return reaching
  }

  return {
    async hold(folder, name, signal, work) {
      const lockName = createHash('sha256').update(name).digest('hex').slice(0, 2)
      const lock = await fileLock(folder)
      return turns(lockName, signal, async () => {
        if (lock === undefined) return work()
        const file = await open(join(folder, lockName), 'a')
        try {
          for (let pauseMs = 1; !lock.tryLock(file.fd); pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
            await sleep(pauseMs * (0.5 + Math.random()))
            signal.throwIfAborted()
          }
          return await work()
        } finally {
          // Closing the only descriptor of the file frees the lock.
          await file.close()
        }
      })
    },

    async reachOthers(folder) {
      return (await fileLock(folder)) !== undefined
    },
  }
}

async function works(lock: FileLock, path: string): Promise<boolean> {
  const [one, other] = await Promise.all([open(path, 'a'), open(path, 'a')])
  try {
    // Another process may be probing right now; that it can hold the lock against us is the proof we look for.
    return !lock.tryLock(one.fd) || !lock.tryLock(other.fd)
  } catch (error) {
    if (unsupported.has(systemCode(error) ?? '')) return false
    throw error
  } finally {
    await Promise.all([one.close(), other.close()])
  }
}

/** Lets callers of one name run one after the other, in the order in which they came. Those who give up leave the queue. */
function createTurns() {
  const last = new Map<string, Promise<void>>()
  return async <T>(name: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> => {
    const before = last.get(name) ?? Promise.resolve()
    const done = Promise.withResolvers<void>()
    const mine = before.then(() => done.promise)
    last.set(name, mine)
    // Not sooner: whoever gives up still has those before it to wait for, and others behind it.
    mine.then(() => last.get(name) === mine && last.delete(name))
    try {
      await untilAborted(signal, before)
      return await work()
    } finally {
      done.resolve()
    }
  }
}
