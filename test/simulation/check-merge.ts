import { createDigests } from '../../src/adapters/node-crypto/digests.ts'
import { joinProcess } from '../../src/domain/process/merge/join.ts'
import { decodeEvent, type ProcessEvent } from '../../src/domain/process/merge/process-event.ts'
import { isFinal, processId } from '../../src/domain/process/process-state.ts'
import type { Random } from '../faults/random.ts'
import type { Call, Violation } from './history.ts'
import type { Commit } from './sim-store.ts'

const digests = createDigests()

/** What can be promised where nobody decides: nothing acknowledged is lost or rewritten, and two holders are both named. */
export function checkMerge(
  calls: readonly Call[],
  commits: readonly Commit[],
  random: Random,
  isListedAtOnce: boolean,
): Violation[] {
  const violations: Violation[] = []
  const say = (invariant: string, id: string, detail: string) => violations.push({ invariant, id, detail })
  const bodies = new Map<string, string>()
  const events = new Map<string, ProcessEvent[]>()
  for (const { key, body } of commits) {
    const id = /^processes\/state\/([^/]+)\/[^/]+\.json$/.exec(key)?.[1]
    if (id === undefined) continue
    if (body === undefined) {
      say('I1', id, `${key} was removed`)
      continue
    }
    const text = new TextDecoder().decode(body)
    const before = bodies.get(key)
    if (before === text) continue
    if (before !== undefined) say('I10', id, `${key} was written again with other words`)
    bodies.set(key, text)
    const event = decodeEvent(body, digests)
    const others = (events.get(id) ?? []).filter(({ writeId }) => writeId !== event?.writeId)
    if (event !== undefined) events.set(id, [...others, event])
  }
  for (const [id, all] of events) {
    const withdrawn = new Set(all.flatMap((event) => (event.kind === 'withdraw' ? [event.withdrawn] : [])))
    const present = all.filter(({ writeId }) => !withdrawn.has(writeId))
    const live = new Set(present.map(({ operationId }) => operationId))
    const joined = joinProcess(processId(id), undefined, all)
    const shuffled = all.toSorted(() => random.fraction() - 0.5)
    const again = joinProcess(processId(id), undefined, [...shuffled, ...shuffled.slice(0, 5)])
    if (JSON.stringify(joined) !== JSON.stringify(again)) say('I16', id, 'another order makes another state')
    const own = calls.filter((call) => call.id === id)
    const isDeleted = joined?.state.deleted === true
    for (const { result, verb, operationId, worker, attempt, seen, returnedMs } of own) {
      if (verb === 'delete' || operationId === '') continue
      const isAcknowledged = result === 'applied'
      if (isAcknowledged && verb !== 'cancel' && !live.has(operationId)) say('I1', id, `${operationId} was lost`)
      if (isAcknowledged && verb === 'report' && seen !== undefined && isFinal(seen.status as 'queued')) {
        const state = joined?.state
        if (state?.attempt === attempt && !isDeleted && !isFinal(state?.status ?? 'queued')) {
          say('I7', id, `${operationId} ended it, and it goes on`)
        }
      }
      const isHeld = isAcknowledged && (verb === 'claim' || verb === 'report') && joined !== undefined && !isDeleted
      if (isHeld && joined.state.attempt === (attempt ?? seen?.attempt)) {
        const named = [joined.state.worker, ...joined.conflicts.flatMap(({ workers }) => workers)]
        if (!named.includes(worker ?? ''))
          say('I8', id, `${worker} was told at ${returnedMs} that it holds it, and is not named`)
      }
    }
    const byOperation = Map.groupBy(own, ({ operationId }) => operationId)
    for (const [operationId, same] of byOperation) {
      if (operationId === '' || same[0]?.verb === 'delete') continue
      if (same.every(({ result }) => result === 'rejected') && live.has(operationId)) {
        say('I3', id, `${operationId} was refused, and took effect`)
      }
    }
    if (isListedAtOnce) checkAlone(id, own, live, say)
    checkDeletion(id, own, say)
    checkSeen(id, own, say)
  }
  return violations
}

type Say = (invariant: string, id: string, detail: string) => void

/** Where the store lists what is there, no two were told that they made it, or that they hold the same attempt, or ended it. */
function checkAlone(id: string, own: readonly Call[], live: ReadonlySet<string>, say: Say): void {
  const told = own.filter(({ result, operationId }) => /applied|duplicate/.test(result) && live.has(operationId))
  const makers = new Set(told.filter(({ verb }) => verb === 'create').map(({ operationId }) => operationId))
  if (makers.size > 1) say('I8', id, `${[...makers].join(' and ')} were both told that they made it`)
  const claims = told.filter(({ verb, seen, worker }) => verb === 'claim' && seen?.worker === worker)
  for (const [attempt, same] of Map.groupBy(claims, ({ seen }) => seen?.attempt)) {
    const workers = new Set(same.map(({ worker }) => worker))
    if (workers.size > 1) say('I8', id, `${[...workers].join(' and ')} were told that they hold attempt ${attempt}`)
    // Of a queued one, which is final at once.
    const cancel = own.find(({ verb, result, seen }) => {
      const isOfQueued =
        verb === 'cancel' && result === 'applied' && seen?.status === 'cancelled' && seen.worker === null
      return isOfQueued && seen.attempt === attempt
    })
    if (cancel !== undefined)
      say('I7', id, `${cancel.client} was told that attempt ${attempt} is cancelled, and it goes on`)
  }
}

function checkDeletion(id: string, own: readonly Call[], say: Say): void {
  const deleted = own.find(
    ({ verb, result, returnedMs }) => verb === 'delete' && result === 'applied' && existedBefore(own, returnedMs),
  )
  const later = own.find(
    ({ invokedMs, result, instance }) =>
      deleted !== undefined && instance === deleted.instance && invokedMs > deleted.returnedMs && result === 'read',
  )
  if (later !== undefined) say('I15', id, `${later.client} reads what was deleted`)
}

/** Deleting what is not there is fine, and no deletion. */
const existedBefore = (own: readonly Call[], atMs: number): boolean =>
  own.some(
    ({ result, returnedMs, seen }) =>
      result === 'read' && returnedMs < atMs && isFinal((seen?.status ?? 'queued') as 'queued'),
  )

/** What one client has seen at one instance never shrinks. */
function checkSeen(id: string, own: readonly Call[], say: Say): void {
  const versions = new Map<string, number>()
  for (const { client, instance, verb, seen } of own.toSorted((a, b) => a.invokedMs - b.invokedMs)) {
    if (verb !== 'read' || seen === undefined) continue
    const place = `${client} ${instance}`
    if (seen.version < (versions.get(place) ?? 0)) say('I10', id, `${client} saw version ${seen.version} again`)
    versions.set(place, seen.version)
  }
}
