import type { Clock } from '../ports/clock.ts'
import type { CallOptions, ObjectStore } from '../ports/object-store.ts'
import { sharedLooks } from './process/looks.ts'
import type { ProcessLedger, ReadProcess } from './process/process-ledger.ts'
import { everyResult } from './result/list-results.ts'
import type { Result } from './result/result.ts'
import { createUnchanged } from './unchanged.ts'

/** All there is, for those who ask every few seconds. What an instance did before it was asked is in the answer. */
export interface Lists {
  /** Those that can be read; newest first; the same array as before when nothing has changed. Costs what `readAll` costs. */
  processes(options: CallOptions): Promise<readonly ReadProcess[]>
  /** Newest first; the same array as before when nothing has changed. Costs one LIST for each 1,000 results. */
  results(options: CallOptions): Promise<readonly Result[]>
}

/** Between two looks for all who ask: none of them waits for longer than this and a look. */
const everyMs = 200

/** `shared`: those of one Node process who ask together share a look, which begins after they asked. */
export function createLists(deps: {
  readonly ledger: Pick<ProcessLedger, 'readAll'>
  readonly store: ObjectStore
  readonly clock: Clock
  readonly shared: boolean
}): Lists {
  const { ledger, store, clock, shared } = deps
  const sameProcesses = createUnchanged<ReadProcess>(({ state, etag }) => `${state.id} ${etag}`)
  const sameResults = createUnchanged<Result>(
    ({ key, etag, lastModified }) => `${key} ${etag} ${lastModified.getTime()}`,
  )
  const often = <Seen>(look: (options: CallOptions) => Promise<Seen>) =>
    shared ? sharedLooks({ clock, everyMs, look }) : look
  return {
    processes: often(async (options) => sameProcesses((await ledger.readAll(options)).processes.toSorted(newestFirst))),
    results: often(async (options) => sameResults((await everyResult(store, options)).toSorted(latestFirst))),
  }
}

function newestFirst({ state: a }: ReadProcess, { state: b }: ReadProcess): number {
  return a.createdAt === b.createdAt ? descending(a.id, b.id) : descending(a.createdAt, b.createdAt)
}

function latestFirst(a: Result, b: Result): number {
  return b.lastModified.getTime() - a.lastModified.getTime() || descending(b.key, a.key)
}

const descending = (a: string, b: string): number => (a < b ? 1 : a > b ? -1 : 0)
