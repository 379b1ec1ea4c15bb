import type { Sync } from './check-history.ts'
import { type Call, isFinalStatus, type Say, type Seen } from './history.ts'

/** One look at one process. */
interface Sight {
  readonly call: Call
  readonly seen: Seen
}

/** Shorter than any silence after which a worker of this load may be called lost (63 s), by the rounding of the store's clock. */
const neverLostMs = 60_000

/** What had been acknowledged of one process at some time. */
interface Known {
  version: number
  attempt: number
  deletedBy: string | undefined
  /** By attempt: its end, the `seq` of its last report, who is asked to end, and when its worker spoke. */
  readonly endings: Map<number, string>
  readonly seqs: Map<number, { readonly seq: number; readonly worker: string }>
  readonly cancels: Set<number>
  readonly words: Map<number, number>
}

/** Every look sees at least what was acknowledged before it began, at whichever instance, and no client sees time go back. */
export function checkOrder(calls: readonly Call[], sync: Sync, say: Say): void {
  const sights = new Map<string, Sight[]>()
  const note = (id: string, sight: Sight) => {
    const own = sights.get(id)
    if (own === undefined) sights.set(id, [sight])
    else own.push(sight)
  }
  const deletions = Map.groupBy(
    calls.filter(({ verb, result }) => verb === 'delete' && result === 'applied'),
    ({ id }) => id,
  )
  for (const call of calls) {
    if (call.seen !== undefined) note(call.id, { call, seen: call.seen })
    for (const [id, seen] of Object.entries(call.listed ?? {})) note(id, { call, seen })
  }
  for (const [id, own] of sights) {
    checkProcess(id, own, deletions.get(id) ?? [], sync, say)
    checkClients(id, own, say)
  }
}

function checkProcess(id: string, own: readonly Sight[], deletions: readonly Call[], sync: Sync, say: Say): void {
  const known: Known = {
    version: 0,
    attempt: 0,
    deletedBy: undefined,
    endings: new Map(),
    seqs: new Map(),
    cancels: new Set(),
    words: new Map(),
  }
  const returned: { readonly call: Call; readonly seen: Seen | undefined }[] = [
    ...own,
    ...deletions.map((call) => ({ call, seen: undefined })),
  ]
  returned.sort((a, b) => a.call.returnedMs - b.call.returnedMs)
  let next = 0
  for (const sight of own.toSorted((a, b) => a.call.invokedMs - b.call.invokedMs)) {
    for (; ; next++) {
      const before = returned[next]
      if (before === undefined || before.call.returnedMs >= sight.call.invokedMs) break
      learn(known, before.call, before.seen)
    }
    judge(id, sight, known, sync, say)
  }
}

function learn(known: Known, call: Call, seen: Seen | undefined): void {
  const { verb, result, worker, seq, invokedMs, client } = call
  if (seen === undefined) {
    known.deletedBy = client
    return
  }
  known.version = Math.max(known.version, seen.version)
  const { attempt, status, cancelRequested } = seen
  if (attempt === undefined) return
  known.attempt = Math.max(known.attempt, attempt)
  if (status !== undefined && isFinalStatus(status)) known.endings.set(attempt, status)
  if (cancelRequested && verb === 'cancel') known.cancels.add(attempt)
  const isWord = verb === 'claim' || verb === 'takeover' || verb === 'report'
  if (!isWord || worker === undefined) return
  if (seq !== undefined && seq > (known.seqs.get(attempt)?.seq ?? -1)) known.seqs.set(attempt, { seq, worker })
  // A duplicate is no new word, and when it was spoken first is not known.
  if (result === 'applied') known.words.set(attempt, Math.max(known.words.get(attempt) ?? 0, invokedMs))
}

function judge(id: string, { call, seen }: Sight, known: Known, sync: Sync, say: Say): void {
  const who = `${call.client} (${call.verb})`
  const { version, attempt, status, worker, step, liveness, cancelRequested } = seen
  if (known.deletedBy !== undefined) say('I15', id, `${who} saw version ${version} after it was deleted`)
  if (version < known.version) say('I9', id, `${who} saw version ${version} after ${known.version} was told`)
  if (attempt === undefined) return
  if (attempt < known.attempt) say('I8', id, `${who} saw attempt ${attempt} after ${known.attempt}`)
  const ending = known.endings.get(attempt)
  if (status !== undefined && ending !== undefined && ending !== status) {
    // Of two holders that disagree, the better end counts; they are named, which checkHolders demands.
    const isNamed = sync === 'merge' && isFinalStatus(status) && (seen.rivals?.length ?? 0) > 1
    if (!isNamed) say('I7', id, `${who} saw ${status} in attempt ${attempt} after ${ending}`)
  }
  const last = known.seqs.get(attempt)
  if (step !== undefined && last !== undefined && worker === last.worker && step < last.seq) {
    say('I1', id, `${who} saw step ${step} of attempt ${attempt} after report ${last.seq} was acknowledged`)
  }
  if (cancelRequested === false && known.cancels.has(attempt)) {
    say('I13', id, `${who} was not told that attempt ${attempt} should end`)
  }
  const spokeMs = known.words.get(attempt)
  // At most: it may have been heard later than it was sent, and the look have been earlier than its answer.
  const silentMs = call.returnedMs - (spokeMs ?? 0)
  if (liveness === 'lost' && spokeMs !== undefined && silentMs < neverLostMs) {
    say('I12', id, `${who} was told that attempt ${attempt} is lost ${silentMs.toFixed(0)} ms after its word`)
  }
}

/** In the order in which a client was told: also of the events of one stream, which all began when it did. */
function checkClients(id: string, own: readonly Sight[], say: Say): void {
  const versions = new Map<string, number>()
  for (const { call, seen } of own) {
    const before = versions.get(call.client) ?? 0
    if (seen.version < before) say('I10', id, `${call.client} saw version ${seen.version} after ${before}`)
    versions.set(call.client, Math.max(before, seen.version))
  }
}
