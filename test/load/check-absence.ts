import type { Call, Say } from './history.ts'

interface Life {
  readonly id: string
  readonly acknowledgedMs: number
  /** From when on a deletion may have taken effect. */
  readonly mayEndMs: number
}

/** What was made is there until somebody deletes it, and what a follower was told to be gone stays so. */
export function checkAbsence(calls: readonly Call[], byId: ReadonlyMap<string, readonly Call[]>, say: Say): void {
  const lives: Life[] = []
  for (const [id, own] of byId) {
    const life = lifeOf(id, own)
    if (life === undefined) continue
    lives.push(life)
    for (const { client, verb, result, code, invokedMs, returnedMs } of own) {
      const isAbsent = result === 'absent' || (result === 'rejected' && code === 'not-found')
      if (isAbsent && life.acknowledgedMs < invokedMs && returnedMs < life.mayEndMs) {
        say('I1', id, `${client} (${verb}) was told that it is not there`)
      }
    }
  }
  checkLists(calls, lives, say)
  checkStreams(calls, say)
}

function lifeOf(id: string, own: readonly Call[]): Life | undefined {
  const made = own.filter(({ verb, result }) => verb === 'create' && result === 'applied')
  if (made.length === 0) return undefined
  const deletes = own.filter(({ verb, result }) => verb === 'delete' && result !== 'rejected')
  return {
    id,
    acknowledgedMs: Math.min(...made.map(({ returnedMs }) => returnedMs)),
    mayEndMs: Math.min(Number.POSITIVE_INFINITY, ...deletes.map(({ invokedMs }) => invokedMs)),
  }
}

/** Looks only at those that live while a list is read, however many there were. */
function checkLists(calls: readonly Call[], lives: readonly Life[], say: Say): void {
  const births = lives.toSorted((a, b) => a.acknowledgedMs - b.acknowledgedMs)
  const living = new Set<Life>()
  let next = 0
  const lists = calls.filter(({ listed, ids }) => listed !== undefined || ids !== undefined)
  for (const { client, listed = {}, ids = Object.keys(listed), invokedMs, returnedMs } of lists.toSorted(byBegin)) {
    for (; ; next++) {
      const born = births[next]
      if (born === undefined || born.acknowledgedMs >= invokedMs) break
      living.add(born)
    }
    const there = new Set(ids)
    for (const life of living) {
      if (life.mayEndMs <= invokedMs) living.delete(life)
      else if (life.mayEndMs > returnedMs && !there.has(life.id)) {
        say('I11', life.id, `${client} does not find it in the list`)
      }
    }
  }
}

const byBegin = (a: Call, b: Call): number => a.invokedMs - b.invokedMs

function checkStreams(calls: readonly Call[], say: Say): void {
  const gone = new Set<string>()
  for (const { client, verb, id, result } of calls) {
    if (verb !== 'follow') continue
    const key = `${client} ${id}`
    if (result === 'absent') gone.add(key)
    else if (gone.has(key)) say('I15', id, `${client} was told of it after it was told that it is gone`)
  }
}
