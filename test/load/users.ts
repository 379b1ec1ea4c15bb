import { call, changed, insist, noteQueued, nowMs, type Stage, sleep } from './client.ts'
import { type Call, isFinalStatus, type Seen } from './history.ts'
import { listAll } from './readers.ts'

/** More than that is not queued ahead of the workers. */
const queuedMax = 8
const makesMax = 4
const actionsPerList = 4
const rememberedMax = 200

/** Creates, cancels, retries and deletes, and sends some of it again, at once or much later. */
export async function runUser(stage: Stage, client: string): Promise<void> {
  const { random } = stage
  const earlier: (() => Promise<Call>)[] = []
  const doIt = async (send: () => Promise<Call>): Promise<Call> => {
    earlier.push(send)
    if (earlier.length > rememberedMax) earlier.shift()
    const done = await insist(send, 6)
    // Its answer may be lost to the client although it has come.
    if (random.fraction() < 0.15) await send()
    return done
  }
  for (let n = 0; nowMs() < stage.endsMs; n++) {
    const { listed = {} } = await listAll(stage, client, random.pick([20, 1000]))
    const all = Object.entries(listed)
    const makes = Math.max(0, queuedMax - all.filter(([, { status }]) => status === 'queued').length)
    for (let made = 0; made < Math.min(makes, makesMax); made++) {
      const { id, result } = await doIt(create(stage, client, `${client}-${n}-${made}`, random.fraction() < 0.7))
      if (result === 'applied') noteQueued(stage, id)
    }
    for (let done = 0; done < actionsPerList; done++) {
      const act = choose(stage, client, `${client}-${n}-${done}`, all)
      if (act !== undefined) await doIt(act)
      else await earlier[random.integer(0, earlier.length - 1)]?.()
      await sleep(random.integer(0, 30))
    }
  }
}

/** What to do with a process of a list that may be old by now; `undefined` for something of before, again. */
function choose(
  stage: Stage,
  client: string,
  key: string,
  all: readonly (readonly [string, Seen])[],
): (() => Promise<Call>) | undefined {
  const { random } = stage
  // Among few, so that users meet.
  const any = (isWanted: (status: string) => boolean): string | undefined => {
    const ids = all.filter(([, { status = '' }]) => isWanted(status)).map(([id]) => id)
    return ids.length === 0 ? undefined : ids[random.integer(0, Math.min(ids.length, 6) - 1)]
  }
  const isRash = random.fraction() < 0.1
  const dice = random.fraction()
  if (dice < 0.25) {
    const id = any((status) => isRash || !isFinalStatus(status))
    return id === undefined ? undefined : steer(stage, client, 'cancel', id, key)
  }
  if (dice < 0.5) {
    const id = any((status) => isRash || status === 'failed' || status === 'cancelled')
    return id === undefined ? undefined : steer(stage, client, 'retry', id, key)
  }
  if (dice < 0.85) {
    const id = any((status) => isRash || isFinalStatus(status))
    return id === undefined ? undefined : remove(stage, client, id)
  }
  return undefined
}

function create(stage: Stage, client: string, key: string, isNamed: boolean): () => Promise<Call> {
  const named = isNamed ? { id: `p-${key}` } : {}
  const request = {
    method: 'POST',
    path: '/v1/processes',
    body: { ...named, type: 'training', name: key, config: { rank: 16 } },
    headers: { 'idempotency-key': key },
  } as const
  return () =>
    call(stage, { client, verb: 'create', id: named.id ?? '', operationId: `create:${key}` }, request, changed)
}

function steer(stage: Stage, client: string, verb: 'cancel' | 'retry', id: string, key: string): () => Promise<Call> {
  const request = {
    method: 'POST',
    path: `/v1/processes/${id}/${verb}`,
    headers: { 'idempotency-key': key },
  } as const
  return async () => {
    const done = await call(stage, { client, verb, id, operationId: `${verb}:${key}` }, request, changed)
    if (verb === 'retry' && done.result === 'applied') noteQueued(stage, id)
    return done
  }
}

function remove(stage: Stage, client: string, id: string): () => Promise<Call> {
  const request = { method: 'DELETE', path: `/v1/processes/${id}` } as const
  return async () => {
    const about = { client, verb: 'delete', id, operationId: `delete:${id}` } as const
    const done = await call(stage, about, request, () => ({ result: 'applied' }))
    if (done.result === 'applied') stage.ids.delete(id)
    return done
  }
}
