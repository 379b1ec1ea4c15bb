import { createRandom, seedFor } from '../faults/random.ts'
import { type Actor, reader, user, worker } from './actors.ts'
import { type Final, type Violation, violationsOf } from './check.ts'
import { createClient, shownOf } from './client.ts'
import type { Call, Shown } from './history.ts'
import { type StoreName, startInstances } from './instances.ts'

export interface LoadRun {
  readonly sync: 'cas' | 'merge'
  readonly calls: readonly Call[]
  readonly processes: number
  readonly kills: number
  readonly violations: readonly Violation[]
}

const users = 4
const readers = 4

/** Workers, users and readers on three instances for so long, and then what must hold of all that they were told. */
export async function runLoad({
  store,
  seconds,
  seed,
  workers = 24,
  kill = false,
}: {
  readonly store: StoreName
  readonly seconds: number
  readonly seed: number
  readonly workers?: number
  readonly kill?: boolean
}): Promise<LoadRun | { readonly unavailable: string }> {
  const instances = await startInstances(store)
  if ('unavailable' in instances) return instances
  try {
    const { origins } = instances
    const history: Call[] = []
    const ids: string[] = []
    // What the instances can do is found out first, and is no part of the load.
    await Promise.all(origins.map((origin) => fetch(`${origin}/v1/processes`)))
    const endsAtMs = performance.now() + seconds * 1000
    const isOver = () => performance.now() >= endsAtMs
    const act = (role: (actor: Actor) => Promise<void>, name: string) => {
      const random = createRandom(seedFor(seed, name))
      return role({ client: createClient(name, { origins, random, history, isOver }), random, ids, isOver })
    }
    const [kills] = await Promise.all([
      kill ? instances.killNowAndThen(createRandom(seedFor(seed, 'kills')), isOver) : 0,
      ...Array.from({ length: users }, (_, i) => act(user, `u${i}`)),
      ...Array.from({ length: workers }, (_, i) => act(worker, `w${i}`)),
      ...Array.from({ length: readers }, (_, i) => act(reader, `r${i}`)),
    ])
    const { sync } = (await (await fetch(`${origins[0]}/readyz`)).json()) as { sync: 'cas' | 'merge' }
    const ends = await Promise.all(origins.map(everything))
    const violations = violationsOf(history, ends, sync)
    return { sync, calls: history, processes: ids.length, kills, violations }
  } finally {
    await instances.stop()
  }
}

async function everything(origin: string): Promise<Final> {
  const all = new Map<string, Shown>()
  let cursor: string | null = ''
  do {
    const answer = await fetch(`${origin}/v1/processes?limit=1000&cursor=${encodeURIComponent(cursor)}`)
    const page = (await answer.json()) as {
      processes: { id: string }[]
      partial: boolean
      nextCursor: string | null
    }
    if (answer.status !== 200 || page.partial)
      throw new Error(`the list is not whole: ${answer.status} ${JSON.stringify({ ...page, processes: [] })}`)
    for (const process of page.processes) all.set(process.id, shownOf(process))
    cursor = page.nextCursor
  } while (cursor !== null)
  return all
}
