import { livenessOf } from '../../src/domain/process/liveness.ts'
import type { Sync } from '../../src/domain/process/process-ledger.ts'
import { isFinal } from '../../src/domain/process/process-state.ts'
import { StoreUnavailable } from '../../src/ports/errors.ts'
import { createRandom } from '../faults/random.ts'
import { checkCas } from './check-cas.ts'
import { checkMerge } from './check-merge.ts'
import { runUser, runWorker, type Stage } from './clients.ts'
import type { Call, Violation } from './history.ts'
import { bootInstance, type Changes, type Instance } from './instance.ts'
import { createSimServer, someFaults } from './sim-store.ts'
import { createWorld } from './world.ts'

export interface Simulated {
  readonly calls: readonly Call[]
  readonly violations: readonly Violation[]
  readonly requests: number
}

const busyMs = 6 * 60_000
/** An operation has 10 s, the last try of a request 5, and what is late arrives within 35. */
const settleMs = 120_000
const instanceCount = 3

/** Some minutes of three instances, four workers and two users on a store that fails. The same for the same seed. */
export async function simulate(seed: number, sync: Sync, changes: Changes = {}): Promise<Simulated> {
  const random = createRandom(seed)
  const world = createWorld(Date.UTC(2026, 2, 1))
  const conditionalPut = sync === 'cas' ? 'atomic' : 'none'
  const staleList = sync === 'merge' && seed % 2 === 0 ? 0 : someFaults.staleList
  const server = createSimServer(world, random, { conditionalPut, faults: { ...someFaults, staleList } })
  const boot = () => bootInstance(world, server, random, changes)
  const instances = Array.from({ length: instanceCount }, boot)
  const calls: Call[] = []
  const endsMs = world.nowMs() + busyMs
  const stage: Stage = { world, random, instances, calls, endsMs }
  const crash = () => {
    if (world.nowMs() >= endsMs) return
    const index = random.integer(0, instanceCount - 1)
    instances[index]?.crash()
    instances[index] = boot()
    world.after(random.integer(2_000, 60_000), crash)
  }
  world.after(random.integer(2_000, 60_000), crash)
  const clients = [
    ...[0, 1].map((n) => runUser(stage, `user${n}`, n)),
    ...[0, 1, 2, 3].map((n) => runWorker(stage, `worker${n}`)),
  ]
  let haveEnded = false
  const all = Promise.all(clients).then(() => {
    haveEnded = true
  })
  await world.run(endsMs)
  server.heal()
  await world.run(endsMs + settleMs + 180_000)
  const violations: Violation[] = []
  if (!haveEnded) violations.push({ invariant: 'I13', id: '', detail: 'a call has not ended' })
  else await all
  const checked =
    sync === 'cas' ? checkCas(calls, server.commits) : checkMerge(calls, server.commits, random, staleList === 0)
  violations.push(...checked)
  const agreed = agree(instances, server.keys('processes/state/'), world.nowMs())
  await world.run(world.nowMs() + 60_000)
  violations.push(...(await Promise.race([agreed, world.sleep(0).then(() => [])])))
  return { calls, violations, requests: server.commits.length }
}

/** After everything is quiet, every instance tells the same of the same processes, and of all of them. */
async function agree(instances: readonly Instance[], keys: readonly string[], nowMs: number): Promise<Violation[]> {
  const { signal } = new AbortController()
  try {
    const told = await Promise.all(
      instances.map(async ({ deps }) => {
        const { processes, unreadable } = await deps.ledger.readAll({ signal })
        const states = processes.map(({ state, conflicts }) => ({ ...state, conflicts }))
        return { text: JSON.stringify([states.toSorted((a, b) => (a.id < b.id ? -1 : 1)), unreadable]), processes }
      }),
    )
    const violations: Violation[] = []
    // Nobody has spoken for minutes.
    for (const { state } of told.flatMap(({ processes }) => processes)) {
      const isSilent = state.lastSeq >= 0 && !isFinal(state.status) && state.status !== 'queued'
      if (isSilent && livenessOf(state, nowMs) !== 'lost') {
        violations.push({ invariant: 'I13', id: state.id, detail: 'is silent, and not lost' })
      }
    }
    if (new Set(told.map(({ text }) => text)).size > 1) {
      violations.push({
        invariant: 'I11',
        id: '',
        detail: 'instances disagree',
      })
    }
    const named = new Set(keys.map((key) => key.split('/')[2]?.replace('.json', '') ?? ''))
    for (const id of named) {
      const read = await instances[0]?.deps.ledger.read(id as never, { signal })
      const isListed = told.every(({ processes }) => processes.some(({ state }) => state.id === id))
      if (read !== undefined && !isListed)
        violations.push({ invariant: 'I11', id, detail: 'is there and not in the list' })
    }
    return violations
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error
    return [{ invariant: 'I13', id: '', detail: 'a list fails although nothing goes wrong any more' }]
  }
}
