import { once } from 'node:events'
import { createRandom, seedFor } from '../faults/random.ts'
import { checkHistory } from './check-history.ts'
import { nowMs, type Stage, sleep } from './client.ts'
import { runFollower } from './followers.ts'
import { type Call, finalReader, type Violation } from './history.ts'
import { type Instances, instanceCount, startInstances } from './instances.ts'
import { listAll, readOne, readSeries, runReader } from './readers.ts'
import type { SharedStore } from './stores.ts'
import { runUser } from './users.ts'
import { runWorker } from './workers.ts'

export interface Loaded {
  readonly calls: readonly Call[]
  readonly violations: readonly Violation[]
  /** How many instances were killed and came back. */
  readonly kills: number
  /** How long clients called, without what was read in the end. */
  readonly busyMs: number
  readonly output: string
}

const users = 5
const readers = 4
/** From when one is back, or all have begun, to the next kill. */
const killAfterMs = { least: 500, most: 2_500 }
/** What was on its way to the store when its sender was killed has arrived. */
const quietMs = 1_500

/**
 * Workers, users, readers and followers of three instances for so long, each call to any of them; with `kills`, one ends by
 * SIGKILL now and then. Then all is read from every instance, and what clients were told is checked. The seed decides what
 * is called, not what meets what.
 */
export async function runLoad(
  store: SharedStore,
  {
    seed,
    seconds,
    workers = 24,
    kills: hasKills,
    signal = new AbortController().signal,
  }: {
    readonly seed: number
    readonly seconds: number
    readonly workers?: number
    readonly kills: boolean
    /** Ends it early, with its reason. */
    readonly signal?: AbortSignal
  },
): Promise<Loaded> {
  const instances = await startInstances(store)
  try {
    const startedMs = nowMs()
    const stage: Omit<Stage, 'random'> = {
      urls: instances.urls,
      calls: [],
      endsMs: startedMs + seconds * 1000,
      ids: new Set(),
      queued: [],
    }
    const as = (client: string): Stage => ({ ...stage, random: createRandom(seedFor(seed, client)) })
    const many = (count: number, name: string, run: (stage: Stage, client: string) => Promise<void>) =>
      Array.from({ length: count }, (_, n) => run(as(`${name}${n}`), `${name}${n}`))
    const killing = hasKills ? killNowAndThen(instances, as('killer')) : Promise.resolve(0)
    const clients = Promise.all([
      ...many(users, 'user', runUser),
      ...many(workers, 'worker', runWorker),
      ...many(readers, 'reader', runReader),
      ...many(1, 'follower-of-all', (own, client) => runFollower(own, client, 'all')),
      ...many(1, 'follower-of-one', (own, client) => runFollower(own, client, 'one')),
    ])
    const interrupted = once(signal, 'abort').then(() => signal.throwIfAborted())
    await Promise.race([Promise.all([clients, killing]), interrupted])
    const kills = await killing
    const busyMs = nowMs() - startedMs
    await sleep(quietMs)
    await readEverything(as(finalReader))
    const { calls } = stage
    return { calls, violations: checkHistory(calls, store.sync), kills, busyMs, output: instances.output() }
  } finally {
    await instances.stop()
  }
}

async function killNowAndThen(instances: Instances, { random, endsMs }: Stage): Promise<number> {
  for (let kills = 0; ; kills++) {
    await sleep(random.integer(killAfterMs.least, killAfterMs.most))
    if (nowMs() >= endsMs) return kills
    await instances.killOne(random.integer(0, instanceCount - 1))
  }
}

const readsInFlight = 8

async function readEverything(stage: Stage): Promise<void> {
  const lists: Call[] = []
  for (let at = 0; at < instanceCount; at++) lists.push(await listAll(stage, `${finalReader}-${at}`, 1000, at))
  const made = stage.calls.filter(({ verb, result }) => verb === 'create' && result === 'applied').map(({ id }) => id)
  const ids = [...new Set([...made, ...lists.flatMap(({ listed = {} }) => Object.keys(listed))])]
  await Promise.all(
    Array.from({ length: readsInFlight }, async (_, n) => {
      for (let i = n; i < ids.length; i += readsInFlight) {
        const id = ids[i] ?? ''
        const at = i % instanceCount
        const client = `${finalReader}-${at}`
        const { seen } = await readOne(stage, client, id, undefined, 0, at)
        for (let attempt = 1; attempt <= (seen?.attempt ?? 0); attempt++) {
          // Of earlier attempts nobody shows who held them.
          const worker = attempt === seen?.attempt ? (seen.worker ?? undefined) : undefined
          await readSeries(stage, client, { id, attempt, worker })
        }
      }
    }),
  )
}
