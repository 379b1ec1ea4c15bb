import type { ProcessJson } from '../../src/app/http/schemas/process.ts'
import type { Random } from '../faults/random.ts'
import type { Call, Seen } from './history.ts'

/** What all clients share. */
export interface Stage {
  readonly random: Random
  /** Where the instances listen. Calls go to any of them. */
  readonly urls: readonly string[]
  readonly calls: Call[]
  /** Clients begin nothing new after that. */
  readonly endsMs: number
  /** Processes that nobody has deleted yet, as far as their makers know. */
  readonly ids: Set<string>
  /** The last ones that became queued, for which workers race. */
  readonly queued: string[]
}

const queuedMax = 4

export function noteQueued({ ids, queued }: Stage, id: string): void {
  ids.add(id)
  queued.push(id)
  if (queued.length > queuedMax) queued.shift()
}

export type About = Pick<Call, 'client' | 'verb' | 'id' | 'operationId'> &
  Partial<Pick<Call, 'worker' | 'attempt' | 'seq'>>
export type Outcome = Pick<Call, 'result'> & Partial<Call>

export interface Request {
  readonly method: 'GET' | 'POST' | 'DELETE'
  readonly path: string
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: unknown
}

/** Longer than an instance ever takes to say that it does not know. */
const patienceMs = 45_000

export const nowMs = (): number => performance.now()
export const anyInstance = ({ random, urls }: Stage): number => random.integer(0, urls.length - 1)

export function seenIn(process: ProcessJson): Seen {
  const { version, attempt, worker, status, liveness, cancelRequested, progress, sync, conflicts = [] } = process
  const rivals = conflicts.flatMap(({ workers }) => workers)
  return { version, attempt, worker, status, liveness, cancelRequested, step: progress.step, sync, rivals }
}

/** `undefined` when no answer came, or not all of it. */
export async function ask(url: string, { method, path, body, headers }: Request): Promise<Answer | undefined> {
  try {
    const answer = await fetch(`${url}${path}`, {
      method,
      headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(patienceMs),
    })
    const text = await answer.text()
    return { status: answer.status, headers: answer.headers, body: text === '' ? undefined : JSON.parse(text) }
  } catch {
    return undefined
  }
}

/** What a refusal, or no answer at all, means; `undefined` for an answer that says more. */
function failureOf(answer: Answer | undefined): Outcome | undefined {
  if (answer === undefined) return { result: 'unknown' }
  const { status, body } = answer
  if (status < 400) return undefined
  const { code = '' } = body as { code?: string }
  // 5xx promise nothing: what was asked may have been done.
  return { result: status >= 500 && status !== 501 ? 'unknown' : 'rejected', code }
}

/** One call to one instance, any if none is named, written down when it has returned. */
export async function call(
  stage: Stage,
  about: About,
  request: Request,
  understand: (answer: Answer) => Outcome,
  at = anyInstance(stage),
): Promise<Call> {
  const invokedMs = nowMs()
  const answer = await ask(stage.urls[at] ?? '', request)
  const outcome = failureOf(answer) ?? understand(answer as Answer)
  const httpStatus = answer === undefined ? {} : { httpStatus: answer.status }
  const done: Call = { ...about, instance: at, invokedMs, returnedMs: nowMs(), ...httpStatus, ...outcome }
  stage.calls.push(done)
  return done
}

/** As a client does that got no answer: the same again, at any instance, until there is one. */
export async function insist(send: () => Promise<Call>, triesMax: number): Promise<Call> {
  let done = await send()
  for (let tries = 1; done.result === 'unknown' && tries < triesMax; tries++) {
    await sleep(50 * 2 ** Math.min(tries, 5))
    done = await send()
  }
  return done
}

export const sleep = (durationMs: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, durationMs))

/** The answer to what changes a process is the process. */
export function changed({ body }: Answer): Outcome {
  const process = body as ProcessJson
  return { result: 'applied', seen: seenIn(process), id: process.id }
}
