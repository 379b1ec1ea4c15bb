import type { EveryProcess, ReadProcess } from './process-ledger.ts'
import type { ProcessReader, StoredProcess } from './process-reader.ts'

/** What is there, without what was deleted. One that cannot be made out is named, and keeps nobody from the others. */
export function viewEach(
  { found, unreadable }: Awaited<ReturnType<ProcessReader['all']>>,
  viewOf: (stored: StoredProcess) => ReadProcess | undefined,
): EveryProcess {
  const processes: ReadProcess[] = []
  const unclear: string[] = []
  for (const stored of found) {
    try {
      const view = viewOf(stored)
      if (view !== undefined && !view.state.deleted) processes.push(view)
    } catch {
      unclear.push(stored.id)
    }
  }
  return { processes, unreadable: [...unreadable, ...unclear] }
}
