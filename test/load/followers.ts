import type { ProcessJson } from '../../src/app/http/schemas/process.ts'
import { anyInstance, nowMs, type Outcome, type Stage, seenIn, sleep } from './client.ts'

/** Follows all processes, or one after the other, by server-sent events; comes back elsewhere when a stream ends. */
export async function runFollower(stage: Stage, client: string, what: 'all' | 'one'): Promise<void> {
  const { random, ids } = stage
  let lastId: string | undefined
  while (nowMs() < stage.endsMs) {
    const id = what === 'one' ? [...ids][random.integer(0, Math.max(0, ids.size - 1))] : undefined
    if (what === 'one' && id === undefined) {
      await sleep(50)
      continue
    }
    const path = id === undefined ? '/v1/processes/events' : `/v1/processes/${id}/events`
    // The ids of events of one process are its own.
    const heard = await follow(stage, client, path, what === 'all' ? lastId : undefined)
    lastId = heard ?? lastId
    await sleep(random.integer(10, 200))
  }
}

/** Until the stream ends, or some seconds are over. Returns the id of the last event. */
async function follow(
  stage: Stage,
  client: string,
  path: string,
  lastId: string | undefined,
): Promise<string | undefined> {
  const { random } = stage
  const at = anyInstance(stage)
  const invokedMs = nowMs()
  const leaveMs = Math.max(0, Math.min(random.integer(1_000, 6_000), stage.endsMs - invokedMs))
  let last: string | undefined
  try {
    const answer = await fetch(`${stage.urls[at]}${path}`, {
      headers: lastId === undefined ? {} : { 'last-event-id': lastId },
      signal: AbortSignal.timeout(leaveMs),
    })
    const about = { client, verb: 'follow', operationId: '', instance: at, invokedMs } as const
    if (answer.status !== 200 || answer.body === null) {
      const result = answer.status === 404 ? 'absent' : 'unknown'
      const id = /processes\/([^/]+)\/events/.exec(path)?.[1] ?? ''
      await answer.body?.cancel()
      stage.calls.push({ ...about, id, result, returnedMs: nowMs(), httpStatus: answer.status })
      return undefined
    }
    for await (const { id, event, data } of events(answer.body)) {
      last = id ?? last
      stage.calls.push({ ...about, id: '', returnedMs: nowMs(), httpStatus: 200, ...told(event, data) })
    }
  } catch {
    // It leaves, or the instance has.
  }
  return last
}

function told(event: string, data: string): Outcome {
  if (event === 'processes') return { result: 'read', ids: (JSON.parse(data) as { ids: string[] }).ids }
  const process = JSON.parse(data) as ProcessJson
  const { id } = process
  return event === 'process' ? { result: 'read', id, seen: seenIn(process) } : { result: 'absent', id }
}

interface Event {
  readonly id: string | undefined
  readonly event: string
  readonly data: string
}

/** Whole events only: what breaks off in the middle is none. */
async function* events(body: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<Event> {
  let text = ''
  for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
    text += chunk
    for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n')) {
      const fields = new Map(text.slice(0, end).split('\n').map(fieldOf))
      text = text.slice(end + 2)
      const event = fields.get('event')
      if (event !== undefined) yield { id: fields.get('id'), event, data: fields.get('data') ?? '' }
    }
  }
}

function fieldOf(line: string): [string, string] {
  const [name = '', ...value] = line.split(': ')
  return [name, value.join(': ')]
}
