import type { ProcessJson } from '../../src/app/http/schemas/process.ts'
import { type Answer, anyInstance, ask, call, nowMs, type Outcome, type Stage, seenIn, sleep } from './client.ts'
import type { Call, Seen } from './history.ts'

interface Page {
  readonly processes: readonly ProcessJson[]
  readonly nextCursor: string | null
  readonly unreadable: readonly string[]
}

/** Every page, from one instance: one call in the history, which is worth nothing when one page was not answered. */
export async function listAll(stage: Stage, client: string, limit: number, at = anyInstance(stage)): Promise<Call> {
  const listed: Record<string, Seen> = {}
  const about = { client, verb: 'list', id: '', operationId: '', instance: at } as const
  const invokedMs = nowMs()
  let cursor = ''
  let outcome: Outcome | undefined
  while (outcome === undefined) {
    const query = new URLSearchParams({ limit: `${limit}`, ...(cursor !== '' && { cursor }) })
    const answer = await ask(stage.urls[at] ?? '', { method: 'GET', path: `/v1/processes?${query}` })
    const page = answer?.status === 200 ? (answer.body as Page) : undefined
    // What could not be read is no absence, and says so.
    if (page === undefined || page.unreadable.length > 0) {
      outcome = { result: 'unknown', ...(answer !== undefined && { httpStatus: answer.status }) }
      break
    }
    for (const process of page.processes) listed[process.id] = seenIn(process)
    if (page.nextCursor === null) outcome = { result: 'read', httpStatus: 200, listed }
    else cursor = page.nextCursor
  }
  const done: Call = { ...about, invokedMs, returnedMs: nowMs(), ...outcome }
  stage.calls.push(done)
  return done
}

/** What a reader was told of a process, and by which name it asks for anything newer. */
interface Remembered {
  readonly etag: string
  readonly seen: Seen
}

/** Lists, reads, reads again with what it knows, and waits for changes. */
export async function runReader(stage: Stage, client: string): Promise<void> {
  const { random, ids } = stage
  const known = new Map<string, Remembered>()
  while (nowMs() < stage.endsMs) {
    const id = [...ids][random.integer(0, Math.max(0, ids.size - 1))]
    const dice = random.fraction()
    if (dice < 0.2 || id === undefined) await listAll(stage, client, random.pick([20, 1000]))
    else await readOne(stage, client, id, dice < 0.6 ? undefined : known, dice < 0.9 ? 0 : 1)
    await sleep(random.integer(0, 30))
  }
}

/** With `known`, asks for what is newer than that, and waits so long for it. */
export async function readOne(
  stage: Stage,
  client: string,
  id: string,
  known: Map<string, Remembered> | undefined,
  waitSeconds: number,
  at = anyInstance(stage),
): Promise<Call> {
  const before = known?.get(id)
  const request = {
    method: 'GET',
    path: `/v1/processes/${id}?waitSeconds=${waitSeconds}`,
    headers: before === undefined ? {} : { 'if-none-match': before.etag },
  } as const
  const verb = before !== undefined && waitSeconds > 0 ? 'wait' : 'read'
  const understand = ({ status, headers, body }: Answer): Outcome => {
    if (status === 304 && before !== undefined) {
      // That it has not changed is a look, too. Time alone changes whether its worker lives.
      const { liveness: _, ...seen } = before.seen
      return { result: 'read', seen }
    }
    const seen = seenIn(body as ProcessJson)
    known?.set(id, { etag: headers.get('etag') ?? '', seen })
    return { result: 'read', seen }
  }
  const done = await call(stage, { client, verb, id, operationId: '' }, request, understand, at)
  return done
}

/** The numbers of all reports whose points an attempt has. `worker` is who is shown to hold it. */
export async function readSeries(
  stage: Stage,
  client: string,
  { id, attempt, worker }: { id: string; attempt: number; worker: string | undefined },
): Promise<void> {
  const request = { method: 'GET', path: `/v1/processes/${id}/metrics?attempt=${attempt}&limit=10000` } as const
  const about = {
    client,
    verb: 'series',
    id,
    operationId: '',
    attempt,
    ...(worker !== undefined && { worker }),
  } as const
  await call(stage, about, request, ({ body }) => {
    const { points } = body as { points: readonly { readonly seq: number }[] }
    return { result: 'read', seqs: points.map(({ seq }) => seq) }
  })
}
