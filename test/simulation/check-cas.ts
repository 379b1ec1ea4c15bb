import type { ProcessState } from '../../src/domain/process/process-state.ts'
import { expectNextInSeconds } from './clients.ts'
import type { Call, Violation } from './history.ts'
import type { Commit } from './sim-store.ts'

interface Step {
  readonly atMs: number
  readonly state: ProcessState
  /** The operation that made this version. */
  readonly by: string
}

const final = ['completed', 'failed', 'cancelled']

/** Written down from the contract, and not from the code: from where to where each operation may lead. */
const arrows: Readonly<Record<string, readonly string[]>> = {
  claim: ['queued>starting'],
  takeover: ['starting>starting', 'running>starting'],
  report: ['queued>', 'starting>', 'running>running', 'running>completed', 'running>failed', 'running>cancelled'],
  cancel: ['queued>cancelled', 'starting>starting', 'running>running'],
  retry: ['failed>queued', 'cancelled>queued', 'starting>queued', 'running>queued'],
  delete: ['completed>', 'failed>', 'cancelled>'],
}

/** Checks what the clients know against what the store took, in one pass over each: all that is acknowledged is there, once. */
export function checkCas(calls: readonly Call[], commits: readonly Commit[]): Violation[] {
  const violations: Violation[] = []
  const say = (invariant: string, id: string, detail: string) => violations.push({ invariant, id, detail })
  const logs = new Map<string, Step[]>()
  /** By id and attempt, when the store took a heartbeat. */
  const beats = new Map<string, number[]>()
  for (const { atMs, key, body } of commits) {
    const [, beat] = /^processes\/heartbeats\/(.+)\.json$/.exec(key) ?? []
    if (beat !== undefined && body !== undefined) beats.set(beat, [...(beats.get(beat) ?? []), atMs])
    const id = /^processes\/state\/([^/]+)\.json$/.exec(key)?.[1]
    if (id === undefined) continue
    const log = logs.get(id) ?? []
    logs.set(id, log)
    if (body === undefined) continue
    const state = JSON.parse(new TextDecoder().decode(body)) as ProcessState
    log.push({ atMs, state, by: operationOf(log.at(-1)?.state, state) })
  }
  for (const [id, log] of logs) checkLog(id, log, say)
  checkCalls(calls, logs, say)
  checkOrder(calls, say)
  checkLiveness(calls, logs, beats, say)
  checkCancels(calls, say)
  return violations
}

type Say = (invariant: string, id: string, detail: string) => void

function operationOf(before: ProcessState | undefined, after: ProcessState): string {
  if (after.deleted && !before?.deleted) return `delete:${after.version}`
  const isSameAttempt = before?.attempt === after.attempt && before.deleted === after.deleted
  if (isSameAttempt && before.lastSeq !== after.lastSeq)
    return `report:${after.attempt}:${after.worker}:${after.lastSeq}`
  const newest = after.operations.at(-1)
  return newest?.version === after.version ? newest.operationId : ''
}

function checkLog(id: string, log: readonly Step[], say: Say): void {
  const done = new Set<string>()
  let life = 0
  const holders = new Map<string, string>()
  let before: ProcessState | undefined
  for (const { state, by } of log) {
    const { version, writeId, previous, attempt, worker, status } = state
    if (version !== (before?.version ?? 0) + 1) say('I5', id, `version ${version} follows ${before?.version}`)
    if (previous !== (before?.writeId ?? null)) say('I5', id, `version ${version} was not made of the one before`)
    if (before !== undefined && before.writeId === writeId) say('I5', id, `version ${version} was written twice`)
    if (by === '') say('I2', id, `version ${version} was made by no new operation`)
    const verb = by.split(':')[0] ?? ''
    const name = verb === 'report' ? `${life} ${by}` : by
    if (done.has(name)) {
      say(verb === 'create' ? 'I15' : 'I2', id, `${by} was applied again in version ${version}`)
    }
    done.add(name)
    if (before?.deleted && !state.deleted) {
      if (verb !== 'create') say('I15', id, `${by} brought back what was deleted`)
      life += 1
    }
    if (verb === 'create') {
      if (before !== undefined && attempt <= before.attempt)
        say('I8', id, `attempt ${attempt} follows ${before.attempt}`)
      before = state
      continue
    }
    if (before !== undefined) {
      const allowed = arrows[verb]?.some((arrow) => `${before?.status}>${status}`.startsWith(arrow))
      if (!allowed) say('I6', id, `${by}: ${before.status} became ${status}`)
      if (final.includes(before.status) && before.status !== status && verb !== 'retry') {
        say('I7', id, `${by}: ${before.status} became ${status}`)
      }
      if (attempt < before.attempt) say('I8', id, `attempt ${attempt} follows ${before.attempt}`)
    }
    const held = `${life} ${attempt}`
    if (worker !== null) {
      const holder = holders.get(held)
      if (holder !== undefined && holder !== worker) say('I8', id, `${holder} and ${worker} hold attempt ${attempt}`)
      holders.set(held, worker)
    }
    before = state
  }
}

function checkCalls(calls: readonly Call[], logs: ReadonlyMap<string, readonly Step[]>, say: Say): void {
  const made = new Map<string, Step[]>()
  for (const [id, log] of logs) {
    for (const step of log) made.set(`${id} ${step.by}`, [...(made.get(`${id} ${step.by}`) ?? []), step])
  }
  const byOperation = Map.groupBy(
    calls.filter(({ operationId, verb }) => operationId !== '' && verb !== 'delete'),
    ({ id, operationId }) => `${id} ${operationId}`,
  )
  for (const [name, same] of byOperation) {
    const steps = made.get(name) ?? []
    const [first] = same
    if (first === undefined) continue
    for (const { result, seen, verb, worker, attempt, invokedMs } of same) {
      if (result === 'applied' && steps.length === 0 && !isNoChange(same)) say('I1', first.id, `${name} was lost`)
      if (result === 'applied' && verb === 'report' && seen !== undefined) {
        const current = logs.get(first.id)?.findLast(({ atMs }) => atMs <= invokedMs)?.state
        const isOld = current !== undefined && !current.deleted && current.attempt > (attempt ?? 0)
        if (isOld) say('I8', first.id, `${name} was accepted in attempt ${current.attempt}`)
        if (seen.worker !== worker && steps.length === 0) say('I8', first.id, `${name} was accepted of ${worker}`)
      }
    }
    // One that may have been heard before says no more than that it is too late now.
    const isRefused = same.every(({ result }) => result === 'rejected')
    if (isRefused && steps.length > 0) say('I3', first.id, `${name} was refused, and took effect`)
  }
}

/** A cancel of what is cancelled, or asked to be, is applied without a change. */
const isNoChange = (same: readonly Call[]): boolean => same.every(({ verb }) => verb === 'cancel')

/** Every call sees at least what was acknowledged before it began, and no client sees time go back. */
function checkOrder(calls: readonly Call[], say: Say): void {
  const byId = Map.groupBy(
    calls.filter(({ seen }) => seen !== undefined),
    ({ id }) => id,
  )
  for (const [id, about] of byId) {
    const returns = about.toSorted((a, b) => a.returnedMs - b.returnedMs)
    const clients = new Map<string, number>()
    let [next, least] = [0, 0]
    for (const one of about.toSorted((a, b) => a.invokedMs - b.invokedMs)) {
      for (; (returns[next]?.returnedMs ?? Number.POSITIVE_INFINITY) < one.invokedMs; next++) {
        least = Math.max(least, returns[next]?.seen?.version ?? 0)
      }
      const version = one.seen?.version ?? 0
      // A claim may be answered with what a list has seen a moment ago.
      if (one.verb === 'claim' && one.result === 'duplicate') continue
      if (version < least) say('I9', id, `${one.client} saw version ${version} after ${least} was acknowledged`)
      if (version < (clients.get(one.client) ?? 0)) say('I10', id, `${one.client} saw version ${version} again`)
      clients.set(one.client, version)
    }
  }
}

const spoken = /^(claim|takeover|report)/

/** Who was heard in time is never lost, and who is silent is not alive, by the clock of the world alone. */
function checkLiveness(
  calls: readonly Call[],
  logs: ReadonlyMap<string, readonly Step[]>,
  beats: ReadonlyMap<string, readonly number[]>,
  say: Say,
): void {
  const slackMs = 2_000
  for (const { id, verb, seen, invokedMs, returnedMs, client } of calls) {
    if (verb !== 'read' || seen === undefined || seen.liveness === 'none') continue
    const words = (logs.get(id) ?? []).filter(
      ({ by, state, atMs }) => atMs <= returnedMs && state.version <= seen.version && spoken.test(by),
    )
    const last = words.at(-1)
    if (last === undefined || last.state.attempt !== seen.attempt) continue
    const isBefore = last.state.lastSeq < 0
    const lostAfterMs = isBefore ? 15 * 60_000 : (3 * expectNextInSeconds + 60) * 1000
    const aliveForMs = isBefore ? lostAfterMs : (expectNextInSeconds + 10) * 1000
    const beaten = beats.get(`${id}/${seen.attempt}`) ?? []
    // What arrives while somebody looks may be seen or not.
    const surelyMs = Math.max(last.atMs, ...beaten.filter((atMs) => atMs <= invokedMs))
    const atMostMs = Math.max(last.atMs, ...beaten.filter((atMs) => atMs <= returnedMs))
    if (seen.liveness === 'lost' && returnedMs - surelyMs < lostAfterMs - slackMs) {
      say('I12', id, `${client} was told that a worker is lost ${returnedMs - surelyMs} ms after it spoke`)
    }
    if (seen.liveness === 'alive' && invokedMs - atMostMs > aliveForMs + slackMs) {
      say('I12', id, `${client} was told that a worker is alive ${invokedMs - atMostMs} ms after it spoke`)
    }
  }
}

/** Whoever speaks for an attempt after its cancel was acknowledged is told of it. */
function checkCancels(calls: readonly Call[], say: Say): void {
  const cancels = calls.filter(
    ({ verb, result, seen }) => verb === 'cancel' && result === 'applied' && seen?.cancelRequested,
  )
  for (const { id, seen, returnedMs } of cancels) {
    const deaf = calls.find(
      (call) =>
        call.id === id &&
        (call.verb === 'report' || call.verb === 'beat') &&
        call.invokedMs > returnedMs &&
        call.seen?.attempt === seen?.attempt &&
        !call.seen?.cancelRequested,
    )
    if (deaf !== undefined) say('I13', id, `${deaf.client} was not told of a cancel`)
  }
}
