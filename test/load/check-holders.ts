import type { Sync } from './check-history.ts'
import { type Call, finalReader, type Say } from './history.ts'

/** Of each attempt one worker is told that it holds it; where the store cannot decide, two are at least named. */
export function checkHolders(byId: ReadonlyMap<string, readonly Call[]>, sync: Sync, say: Say): void {
  for (const [id, own] of byId) {
    const steps = own.filter(({ verb, result }) => (verb === 'retry' || verb === 'takeover') && result !== 'rejected')
    const holders = new Map<number, Set<string>>()
    for (const call of own) {
      const held = heldBy(call, sync)
      if (held === undefined) continue
      const workers = holders.get(held.attempt) ?? new Set()
      holders.set(held.attempt, workers.add(held.worker))
    }
    const ends = own.filter(({ client, verb }) => client.startsWith(finalReader) && verb === 'read')
    for (const [attempt, workers] of holders) {
      if (workers.size < 2) continue
      const isNamed = ends.every(({ seen }) => {
        if (seen === undefined || (seen.attempt ?? 0) > attempt) return true
        return [...workers].every((worker) => seen.rivals?.includes(worker))
      })
      if (sync === 'cas' || !isNamed) say('I8', id, `${[...workers].join(' and ')} hold attempt ${attempt}`)
    }
    checkFenced(id, own, holders, steps.length > 0, say)
  }
}

/** An attempt and its worker, as far as an answer says it for certain. */
function heldBy(call: Call, sync: Sync): { attempt: number; worker: string } | undefined {
  const { verb, result, seen, worker } = call
  if (seen?.attempt === undefined || typeof seen.worker !== 'string') return undefined
  // Where claims are taken back, who looks meanwhile may see one that its worker was never told of.
  if (sync === 'cas' && result !== 'rejected') return { attempt: seen.attempt, worker: seen.worker }
  const isTold = (verb === 'claim' || verb === 'report') && (result === 'applied' || result === 'duplicate')
  return isTold && seen.worker === worker ? { attempt: seen.attempt, worker: seen.worker } : undefined
}

/** Who alone holds an attempt is not sent away while nobody has opened the next. */
function checkFenced(
  id: string,
  own: readonly Call[],
  holders: ReadonlyMap<number, ReadonlySet<string>>,
  mayBeFenced: boolean,
  say: Say,
): void {
  if (mayBeFenced) return
  for (const { client, result, code, worker, attempt } of own) {
    if (result !== 'rejected' || code !== 'fenced' || worker === undefined || attempt === undefined) continue
    const workers = holders.get(attempt)
    if (workers?.size === 1 && workers.has(worker)) say('I8', id, `${client} is fenced and holds attempt ${attempt}`)
  }
}
