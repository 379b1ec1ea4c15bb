import type { Sync } from './check-history.ts'
import { type Call, finalReader, type Say } from './history.ts'

/**
 * That every acknowledged operation has had one effect. With `cas` each makes a version, so that two which were told the
 * same version have overwritten each other, and the last version counts them all.
 */
export function checkEffects(
  calls: readonly Call[],
  byId: ReadonlyMap<string, readonly Call[]>,
  sync: Sync,
  say: Say,
): void {
  const open = calls.filter(({ id, operationId, result }) => id === '' && operationId !== '' && result === 'unknown')
  const openOperations = new Set(open.map(({ operationId }) => operationId))
  // Of which process they were, only the worker's name can tell. No name claims twice.
  const openClaims = new Set(open.filter(({ verb }) => verb === 'claim').map(({ worker }) => worker))
  checkGiven(calls, byId, say)
  for (const [id, own] of byId) {
    const operations = Map.groupBy(
      own.filter(({ operationId }) => operationId !== ''),
      ({ operationId }) => operationId,
    )
    const makers = new Map<number, string>()
    let sure = 0
    let possible = 0
    for (const [operationId, same] of operations) {
      checkRepetitions(id, operationId, same, say)
      if (same.some(({ result }) => result !== 'rejected')) possible += 1
      const version = versionOf(same, openOperations)
      if (version === undefined) continue
      sure += 1
      const other = makers.get(version)
      makers.set(version, operationId)
      if (sync === 'cas' && other !== undefined) {
        say('I1', id, `${other} and ${operationId} were both told that they made version ${version}`)
      }
    }
    // Deletions make a version that nobody sees; retried, they may make none.
    const last = own.findLast(({ client, seen }) => client.startsWith(finalReader) && seen !== undefined)?.seen
    if (last === undefined) continue
    const isOpenClaim = openClaims.has(last.worker ?? undefined)
    if (isOpenClaim && !own.some(({ verb, worker }) => verb === 'claim' && worker === last.worker)) possible += 1
    if (last.version < sure) say('I1', id, `ends with version ${last.version} after ${sure} operations`)
    if (sync === 'cas' && last.version > possible) {
      say('I2', id, `ends with version ${last.version} after ${possible} operations at most`)
    }
  }
}

/** The version that an operation made, where its answers leave no doubt. */
function versionOf(same: readonly Call[], open: ReadonlySet<string>): number | undefined {
  const [first] = same
  // A cancel of what is cancelled already is applied without a change. A deletion is answered without a version.
  if (first === undefined || first.verb === 'cancel' || first.verb === 'delete') return undefined
  const done = same.find(({ result }) => result === 'applied')
  if (done === undefined) return undefined
  // What was sent before may have been heard then; only the answer to a report says whether it was.
  const isFirst = done === first && !open.has(done.operationId)
  return isFirst || done.verb === 'report' ? done.seen?.version : undefined
}

function checkRepetitions(id: string, operationId: string, same: readonly Call[], say: Say): void {
  if (same[0]?.verb !== 'report') return
  const effects = same.filter(({ result }) => result === 'applied')
  if (effects.length > 1) say('I2', id, `${operationId} was applied ${effects.length} times`)
}

/** A repetition is given the process that it was given before, unless somebody may have deleted that. */
function checkGiven(calls: readonly Call[], byId: ReadonlyMap<string, readonly Call[]>, say: Say): void {
  const given = new Map<string, string>()
  for (const { verb, operationId, id, result } of calls) {
    if (result !== 'applied' || (verb !== 'create' && verb !== 'claim')) continue
    const before = given.get(operationId)
    given.set(operationId, id)
    if (before === undefined || before === id) continue
    const mayBeGone = byId.get(before)?.some((call) => call.verb === 'delete' && call.result !== 'rejected')
    if (!mayBeGone) say('I2', id, `${operationId} was given it, and ${before} before`)
  }
}
