import type { Call, Shown } from './history.ts'

export interface Violation {
  readonly rule: string
  readonly id: string
  readonly detail: string
}

/** What is there when all is quiet, by instance: every process by its id. */
export type Final = ReadonlyMap<string, Shown>

const finals = ['completed', 'failed', 'cancelled']

/**
 * What must hold of a history, looking at nothing but what clients were told, and of what is there in the end. One pass
 * over the calls of each process in order of time, so that 10⁵ calls take a second. `cas`: the store decides between
 * writers; with `merge` two workers may be told that they hold one attempt, and then everybody must be told so.
 */
export function violationsOf(calls: readonly Call[], ends: readonly Final[], sync: 'cas' | 'merge'): Violation[] {
  const found: Violation[] = []
  const tell = (rule: string, id: string, detail: string) => void found.push({ rule, id, detail })

  for (const { kind, id, status } of calls) {
    if (status >= 500 && status !== 503 && status !== 501) tell('no failure of ours', id, `${kind} answered ${status}`)
  }
  const [first, ...others] = ends
  for (const other of others) {
    for (const id of new Set([...(first?.keys() ?? []), ...other.keys()])) {
      const [a, b] = [JSON.stringify(first?.get(id)), JSON.stringify(other.get(id))]
      if (a !== b) tell('all instances agree', id, `${a} and ${b}`)
    }
  }
  for (const [id, own] of byProcess(calls)) {
    checkOrder(own, id, tell)
    checkHolders(own, id, first?.get(id), sync, tell)
    checkEnd(own, id, first?.get(id), sync, tell)
  }
  return found
}

type Tell = (rule: string, id: string, detail: string) => void

function byProcess(calls: readonly Call[]): Map<string, Call[]> {
  const map = new Map<string, Call[]>()
  for (const call of calls) {
    if (call.id === '' || call.kind === 'list') continue
    const own = map.get(call.id)
    if (own === undefined) map.set(call.id, [call])
    else own.push(call)
  }
  return map
}

/** What was told once is seen by everybody who asks after that: versions never go back, what ended stays so, as does what is gone. */
function checkOrder(calls: readonly Call[], id: string, tell: Tell): void {
  const moments = calls
    .flatMap((call) => [
      { atMs: call.invokedMs, call, isReturn: false },
      { atMs: call.returnedMs, call, isReturn: true },
    ])
    .sort((a, b) => a.atMs - b.atMs || Number(a.isReturn) - Number(b.isReturn))
  let told = 0
  let ended: { attempt: number; status: string } | undefined
  let isDeleted = false
  const before = new Map<Call, { told: number; ended: typeof ended; isDeleted: boolean }>()
  for (const { call, isReturn } of moments) {
    if (!isReturn) {
      before.set(call, { told, ended, isDeleted })
      continue
    }
    const known = before.get(call)
    const { shown, outcome, kind } = call
    if (known !== undefined && outcome === 'done' && kind !== 'delete' && kind !== 'create') {
      if (known.isDeleted) tell('what is deleted stays deleted', id, `${kind} by ${call.client} found it`)
      if (shown !== undefined && shown.version < known.told) {
        tell('versions never go back', id, `${kind} showed ${shown.version} after ${known.told}`)
      }
      const again = known.ended !== undefined && shown?.status !== undefined && shown.attempt === known.ended.attempt
      if (again && shown.status !== known.ended?.status) {
        tell('what has ended stays ended', id, `${known.ended?.status}, and then ${shown.status}`)
      }
    }
    if (outcome !== 'done') continue
    told = Math.max(told, shown?.version ?? 0)
    if (kind === 'delete') isDeleted = true
    if (kind === 'report' && call.ends !== undefined && call.attempt !== undefined) {
      ended = { attempt: call.attempt, status: call.ends }
    }
  }
}

/** One attempt has one holder; where the store cannot decide, several are told of. */
function checkHolders(calls: readonly Call[], id: string, end: Shown | undefined, sync: string, tell: Tell): void {
  const holders = new Map<number, Set<string>>()
  for (const { kind, outcome, attempt, worker } of calls) {
    const holds = outcome === 'done' && (kind === 'claim' || kind === 'report')
    if (!holds || attempt === undefined || worker === undefined) continue
    holders.set(attempt, (holders.get(attempt) ?? new Set()).add(worker))
  }
  for (const [attempt, workers] of holders) {
    if (workers.size < 2) continue
    const isTold = end === undefined || end.conflicts?.some((one) => one.attempt === attempt) === true
    if (sync === 'cas' || !isTold) tell('one holder for each attempt', id, `attempt ${attempt}: ${[...workers]}`)
  }
}

/** What was acknowledged is there in the end, and nothing was done twice. */
function checkEnd(calls: readonly Call[], id: string, end: Shown | undefined, sync: string, tell: Tell): void {
  const done = calls.filter(({ outcome }) => outcome === 'done')
  const isMade = done.some(({ kind }) => kind === 'create')
  const mayBeDeleted = calls.some(({ kind, outcome }) => kind === 'delete' && outcome !== 'refused')
  if (end === undefined) {
    if (isMade && !mayBeDeleted) tell('what was made is there', id, 'it is not')
    return
  }
  if (done.some(({ kind }) => kind === 'delete')) tell('what is deleted stays deleted', id, 'it is there in the end')
  const told = Math.max(0, ...done.map(({ shown }) => shown?.version ?? 0))
  if (end.version < told) tell('what was acknowledged is there', id, `version ${end.version} in the end, told ${told}`)
  const steps = done
    .filter(({ kind, attempt }) => kind === 'report' && attempt === end.attempt)
    .map((one) => one.step ?? 0)
  const step = Math.max(0, ...steps)
  if ((end.step ?? 0) < step) tell('what was acknowledged is there', id, `step ${end.step} in the end, told ${step}`)
  const writes = calls.filter(
    ({ kind, outcome, duplicate }) => kind !== 'read' && outcome !== 'refused' && duplicate !== true,
  )
  // With `merge` a claim and its confirmation are two events.
  if (sync === 'cas' && end.version > writes.length) {
    tell('nothing is done twice', id, `version ${end.version} by ${writes.length} writes`)
  }
  const last = done.filter(({ kind, ends }) => kind === 'report' && ends !== undefined).at(-1)
  if (last?.attempt === end.attempt && last?.ends !== undefined && !finals.includes(`${end.status}`)) {
    tell('what has ended stays ended', id, `${last.ends}, and in the end ${end.status}`)
  }
}
