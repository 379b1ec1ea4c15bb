import { setTimeout as pause } from 'node:timers/promises'
import type { Random } from '../faults/random.ts'
import type { Client } from './client.ts'

export interface Actor {
  readonly client: Client
  readonly random: Random
  /** Ids of processes that somebody has made, to be steered and read by others. */
  readonly ids: string[]
  isOver(): boolean
}

const types = ['training', 'generation'] as const

/** Makes processes and steers those of others: cancels, retries, deletes. */
export async function user({ client, random, ids, isOver }: Actor): Promise<void> {
  for (let nth = 0; !isOver(); nth++) {
    const id = `${client.name}-${nth}`
    const made = await client.call('create', 'POST', '/v1/processes', {
      id,
      json: { id, type: types[random.integer(0, 1)] },
      key: `create-${id}`,
    })
    // Who deletes what is not there yet has deleted nothing.
    if (made?.status === 201) ids.push(id)
    const other = ids[random.integer(0, ids.length - 1)] ?? id
    const path = `/v1/processes/${other}`
    const dice = random.fraction()
    const key = `${client.name}-${nth}-steers`
    if (dice < 0.2) await client.call('cancel', 'POST', `${path}/cancel`, { id: other, key })
    else if (dice < 0.45) await client.call('retry', 'POST', `${path}/retry`, { id: other, key })
    else if (dice < 0.55) await client.call('delete', 'DELETE', path, { id: other })
    await pause(random.integer(5, 60))
  }
}

/** Claims, reports, sends some reports twice, obeys cancels, and sometimes dies without a word. */
export async function worker(actor: Actor): Promise<void> {
  const { client, random, ids, isOver } = actor
  const name = client.name
  for (let job = 0; !isOver(); job++) {
    const wanted = random.fraction() < 0.8 ? undefined : ids[random.integer(0, ids.length - 1)]
    const claimed = await client.call(
      'claim',
      'POST',
      wanted === undefined ? '/v1/processes/claim' : `/v1/processes/${wanted}/claim`,
      { worker: name, json: { worker: name }, key: `${name}-${job}`, ...(wanted !== undefined && { id: wanted }) },
    )
    if (claimed?.status !== 200) {
      await pause(random.integer(5, 40))
      continue
    }
    await train(actor, claimed.json.id, claimed.json.attempt)
  }
}

async function train({ client, random, isOver }: Actor, id: string, attempt: number): Promise<void> {
  const worker = client.name
  const steps = random.integer(1, 8)
  const diesAt = random.fraction() < 0.1 ? random.integer(1, steps) : Number.POSITIVE_INFINITY
  let isCancelled = false
  for (let seq = 1; seq <= steps && seq < diesAt && !isOver(); seq++) {
    const isLast = seq === steps || isCancelled
    const ends = isLast ? (isCancelled ? 'cancelled' : random.pick(['completed', 'completed', 'failed'])) : undefined
    const report = {
      ...{ worker, attempt, seq, step: seq, status: ends ?? 'running', expectNextInSeconds: 30 },
      ...(ends === 'failed' && { error: { code: 'oom', message: 'no memory' } }),
    }
    const path = `/v1/processes/${id}/reports`
    const about = { id, worker, attempt, step: seq, json: report, ...(ends !== undefined && { ends }) }
    const times = random.fraction() < 0.2 ? 2 : 1
    for (let sent = 0; sent < times; sent++) {
      const answer = await client.call('report', 'POST', path, {
        ...about,
        shownOf: ({ version }) => ({ version }),
      })
      if (answer === undefined || answer.status >= 400) return
      isCancelled = answer.json.cancelRequested
    }
    if (ends !== undefined) return
  }
}

/** Reads one, lists, and waits for changes. */
export async function reader({ client, random, ids, isOver }: Actor): Promise<void> {
  while (!isOver()) {
    const id = ids[random.integer(0, Math.max(0, ids.length - 1))]
    if (id === undefined || random.fraction() < 0.1) {
      await client.call('list', 'GET', '/v1/processes?limit=1000', { shownOf: () => undefined })
    } else {
      await client.call('read', 'GET', `/v1/processes/${id}`, { id })
    }
    await pause(random.integer(1, 30))
  }
}
