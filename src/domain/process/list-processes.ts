import { InvalidCursor } from '../../ports/errors.ts'
import type { CallOptions } from '../../ports/object-store.ts'
import type { ProcessLedger, ReadProcess } from './process-ledger.ts'
import type { ProcessId, ProcessStatus, ProcessType } from './process-state.ts'

export interface ProcessPage {
  /** Newest first; of equal times, the last in order of ids first. */
  readonly processes: readonly ReadProcess[]
  readonly nextCursor: string | undefined
  /** Processes that are there and could not be read now; never silently left out. */
  readonly unreadable: readonly string[]
}

/** Costs what `readAll` costs, whatever the page. */
export async function listProcesses(
  ledger: Pick<ProcessLedger, 'readAll'>,
  request: CallOptions & {
    status: ProcessStatus | undefined
    type: ProcessType | undefined
    cursor: string | undefined
    limit: number
  },
): Promise<ProcessPage> {
  const { status, type, cursor, limit, signal } = request
  if (cursor !== undefined && !aPosition.test(cursor)) throw new InvalidCursor('the cursor is not one of this listing')
  const { processes, unreadable } = await ledger.readAll({ signal })
  const wanted = processes
    .filter(({ state }) => (status ?? state.status) === state.status && (type ?? state.type) === state.type)
    .sort((a, b) => (position(a.state) < position(b.state) ? 1 : -1))
  const start = cursor === undefined ? 0 : wanted.findIndex(({ state }) => position(state) < cursor)
  const page = start === -1 ? [] : wanted.slice(start, start + limit)
  const last = page.at(-1)
  const more = last !== undefined && start + limit < wanted.length
  return { processes: page, nextCursor: more ? position(last.state) : undefined, unreadable }
}

const aPosition = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z~[\w-]{1,64}$/

function position({ createdAt, id }: { createdAt: string; id: ProcessId }): string {
  return `${createdAt}~${id}`
}
