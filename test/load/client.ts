import { setTimeout as pause } from 'node:timers/promises'
import type { Random } from '../faults/random.ts'
import type { Call, CallKind, Shown } from './history.ts'

export interface Answer {
  readonly status: number
  // biome-ignore lint/suspicious/noExplicitAny: whatever the service says
  readonly json: any
}

export interface Client {
  readonly name: string
  /** Repeats until it knows what came of it, each time asking any instance, and notes it in the history. */
  call(
    kind: CallKind,
    method: string,
    path: string,
    about: Partial<Call> & { json?: unknown; key?: string; shownOf?: (json: Answer['json']) => Shown | undefined },
  ): Promise<Answer | undefined>
}

const repetitionsMax = 12
const patienceMs = 15_000

export const shownOf = (json: Answer['json']): Shown => ({
  version: json.version,
  status: json.status,
  attempt: json.attempt,
  worker: json.worker,
  step: json.progress?.step,
  ...(json.conflicts !== undefined && { conflicts: json.conflicts }),
})

/** `history` grows by one call each time; `origins` are asked in no order. */
export function createClient(
  name: string,
  {
    origins,
    random,
    history,
    isOver,
  }: { origins: readonly string[]; random: Random; history: Call[]; isOver: () => boolean },
): Client {
  const send = async (method: string, url: string, json: unknown, key: string | undefined): Promise<Answer> => {
    const answer = await fetch(url, {
      method,
      headers: {
        ...(json !== undefined && { 'content-type': 'application/json' }),
        ...(key !== undefined && { 'idempotency-key': key }),
      },
      ...(json !== undefined && { body: JSON.stringify(json) }),
      signal: AbortSignal.timeout(patienceMs),
    })
    const text = await answer.text()
    return { status: answer.status, json: text.startsWith('{') ? JSON.parse(text) : undefined }
  }

  return {
    name,
    async call(kind, method, path, { json, key, shownOf: see = shownOf, ...about }) {
      const invokedMs = performance.now()
      const note = (outcome: Call['outcome'], status: number, more: Partial<Call> = {}) => {
        const returnedMs = performance.now()
        history.push({ kind, client: name, id: '', invokedMs, returnedMs, outcome, status, ...about, ...more })
      }
      const statuses: number[] = []
      for (let again = 0; again < repetitionsMax; again++) {
        const origin = origins[random.integer(0, origins.length - 1)]
        const answer = await send(method, `${origin}${path}`, json, key).catch(() => undefined)
        if (answer !== undefined && (answer.status < 500 || answer.status === 501)) {
          const isDone = answer.status < 300
          // What was refused when it was asked again may have been done the first time.
          const outcome = isDone ? 'done' : statuses.length === 0 ? 'refused' : 'unknown'
          const shown = isDone && answer.json !== undefined ? see(answer.json) : undefined
          const duplicate = answer.json?.duplicate === true && statuses.length === 0
          const id = about.id ?? answer.json?.id ?? ''
          note(outcome, answer.status, { id, duplicate, ...(shown !== undefined && { shown }) })
          return answer
        }
        statuses.push(answer?.status ?? 0)
        if (answer !== undefined && answer.status !== 503) break
        if (isOver() && again > 4) break
        await pause(random.integer(50, 400))
      }
      note('unknown', statuses.find((status) => status >= 500 && status !== 503) ?? statuses.at(-1) ?? 0)
      return undefined
    },
  }
}
