import { type Answer, call, changed, insist, nowMs, type Outcome, type Stage, sleep } from './client.ts'
import { type Call, isFinalStatus } from './history.ts'

/** Who promises to speak every second is lost after 63 s without a word. */
const expectNextInSeconds = 1

interface Attempt {
  readonly id: string
  readonly worker: string
  readonly attempt: number
}

/**
 * Claims, reports and ends; dies silently now and then, or takes over what others left. Under a new name each time, so that
 * who holds an attempt says which claim it was.
 */
export async function runWorker(stage: Stage, client: string): Promise<void> {
  const { random } = stage
  for (let n = 0; nowMs() < stage.endsMs; n++) {
    const held = await begin(stage, client, `${client}.${n}`)
    if (held !== undefined) await work(stage, client, held)
    else await sleep(random.integer(10, 100))
  }
}

async function begin(stage: Stage, client: string, worker: string): Promise<Attempt | undefined> {
  const { random, ids, queued } = stage
  const dice = random.fraction()
  const anyId = (): string => [...ids][random.integer(0, Math.max(0, ids.size - 1))] ?? 'none'
  const newId = (): string => queued[random.integer(0, Math.max(0, queued.length - 1))] ?? 'none'
  // Its first report claims it, if it is a first attempt that nobody has.
  if (dice < 0.1) return { id: newId(), worker, attempt: 1 }
  const verb = dice < 0.15 ? 'takeover' : 'claim'
  const id = verb === 'takeover' ? anyId() : dice < 0.6 ? newId() : ''
  const request = {
    method: 'POST',
    path: id === '' ? '/v1/processes/claim' : `/v1/processes/${id}/claim`,
    body: { worker, ...(verb === 'takeover' && { takeover: true }) },
    headers: { 'idempotency-key': worker },
  } as const
  const about = { client, verb, id, operationId: `${verb}:${worker}`, worker } as const
  const send = () =>
    call(stage, about, request, (answer) => (answer.status === 204 ? { result: 'rejected' } : changed(answer)))
  const { result, seen, id: given } = await insist(send, 6)
  // Its answer may be lost to the client although it has come.
  if (random.fraction() < 0.15) await send()
  if (result !== 'applied' || seen?.attempt === undefined || seen.worker !== worker) return undefined
  return isFinalStatus(seen.status) ? undefined : { id: given, worker, attempt: seen.attempt }
}

async function work(stage: Stage, client: string, held: Attempt): Promise<void> {
  const { random } = stage
  const last = random.integer(2, 10)
  const silentAfter = random.fraction() < 0.06 ? random.integer(1, last) : last
  const sent: (() => Promise<Call>)[] = []
  let isCancelled = false
  for (let seq = 1; seq <= silentAfter; seq++) {
    const ends = seq === last || isCancelled
    const ending = isCancelled ? 'cancelled' : random.pick(['completed', 'completed', 'failed'])
    const send = report(stage, client, held, { seq, status: ends ? ending : 'running', totalSteps: last })
    sent.push(send)
    const done = await insist(send, 6)
    if (done.result === 'rejected' || done.result === 'unknown') return
    isCancelled ||= done.seen?.cancelRequested === true
    // Words of before, again; the last ones, too, of what has ended.
    if (random.fraction() < 0.1) await sent[random.integer(0, sent.length - 1)]?.()
    if (ends) return
    if (random.fraction() < 0.1) await beat(stage, client, held)
    await sleep(random.integer(0, 30))
  }
}

/** The answers to words say less than a process; who was heard holds the attempt. */
function heard({ worker, attempt }: Attempt, { body }: Answer): Outcome {
  const { duplicate, cancelRequested, version } = body as {
    duplicate?: boolean
    cancelRequested: boolean
    version: number
  }
  const result = duplicate === undefined ? 'read' : duplicate ? 'duplicate' : 'applied'
  return { result, seen: { version, attempt, worker, cancelRequested } }
}

function report(
  stage: Stage,
  client: string,
  held: Attempt,
  { seq, status, totalSteps }: { seq: number; status: string; totalSteps: number },
): () => Promise<Call> {
  const { id, worker, attempt } = held
  const said = { worker, attempt, seq, status, step: seq, totalSteps, metrics: { loss: 1 / seq } }
  const request = {
    method: 'POST',
    path: `/v1/processes/${id}/reports`,
    body: { ...said, expectNextInSeconds },
  } as const
  const operationId = `report:${attempt}:${worker}:${seq}`
  const about = { client, verb: 'report', ...held, operationId, seq } as const
  return () => call(stage, about, request, (answer) => heard(held, answer))
}

async function beat(stage: Stage, client: string, held: Attempt): Promise<void> {
  const { id, worker, attempt } = held
  const request = { method: 'POST', path: `/v1/processes/${id}/heartbeats`, body: { worker, attempt } } as const
  await call(stage, { client, verb: 'beat', ...held, operationId: '' }, request, (answer) => heard(held, answer))
}
