import type { Clock } from '../../ports/clock.ts'
import { type NextLook, ownLooks, sharedLooks } from './looks.ts'
import type { EveryProcess, ProcessLedger, ReadProcess } from './process-ledger.ts'
import type { ProcessId } from './process-state.ts'

/** Looks at processes, for those who follow what becomes of them. Each call is one follower. */
export interface ProcessLooks {
  all(): NextLook<EveryProcess>
  /** `undefined`: there is no such process. */
  one(id: ProcessId): NextLook<ReadProcess | undefined>
}

const everyMs = 1_000
/** Each of their looks is paid for by one browser alone. */
const ownEveryMs = 2_000

/** `shared`: followers of the same wait for the same looks, for those of one Node process. */
export function createProcessLooks({
  ledger,
  clock,
  shared,
}: {
  ledger: Pick<ProcessLedger, 'read' | 'readAll'>
  clock: Clock
  shared: boolean
}): ProcessLooks {
  if (!shared) {
    const own = { clock, everyMs: ownEveryMs }
    return {
      all: () => ownLooks({ ...own, look: (options) => ledger.readAll(options) }),
      one: (id) => ownLooks({ ...own, look: (options) => ledger.read(id, options) }),
    }
  }
  const all = sharedLooks({ clock, everyMs, look: (options) => ledger.readAll(options) })
  const ones = new Map<ProcessId, NextLook<ReadProcess | undefined>>()
  return {
    all: () => all,
    // Found anew for each look: one that went idle is forgotten.
    one: (id) => (options) => {
      const known = ones.get(id)
      if (known !== undefined) return known(options)
      const made = sharedLooks({
        clock,
        everyMs,
        look: (options) => ledger.read(id, options),
        onIdle: () => ones.delete(id),
      })
      ones.set(id, made)
      return made(options)
    },
  }
}
