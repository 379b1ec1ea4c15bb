import type { ProcessState } from '../process-state.ts'
import type { ProcessEvent } from './process-event.ts'

type Dated = ProcessEvent & { readonly storedAt?: string }

export interface Holders {
  /** Whose words count. */
  readonly holder: string | null
  /** All who were told that the attempt is theirs, the holder first. */
  readonly sure: readonly string[]
}

/**
 * Who holds the attempt of which `current` speaks, in order of time. Who has spoken goes before who was told that he may,
 * and he before who has only asked: one who asks and meets another takes his claim back, or died before he could. Clocks of
 * instances decide only between equals.
 */
export function holdersOf(
  { worker }: Pick<ProcessState, 'worker'>,
  current: readonly ProcessEvent[],
  events: readonly ProcessEvent[],
): Holders {
  const confirmed = new Set(events.flatMap((event) => (event.kind === 'confirm' ? [event.confirmed] : [])))
  const claims = current.filter((event) => event.kind === 'claim')
  const spoke = new Set(current.flatMap((event) => (event.kind === 'report' ? [event.worker] : [])))
  const told = new Set(claims.filter(({ writeId }) => confirmed.has(writeId)).map((claim) => claim.worker))
  const asked = new Set([...claims.map((claim) => claim.worker), ...spoke])
  const isFirst = (one: string) => one === worker
  const sure = [...new Set(worker === null ? asked : [worker, ...asked])].filter(
    (one) => isFirst(one) || spoke.has(one) || told.has(one),
  )
  const rank = (one: string) => (isFirst(one) ? 0 : spoke.has(one) ? 1 : 2)
  sure.sort((a, b) => rank(a) - rank(b))
  return { holder: sure[0] ?? claims[0]?.worker ?? null, sure }
}

/**
 * Whether it is still open who holds the attempt: somebody has asked for it and was not answered yet, or several have, a
 * moment ago. `sinceMs` and the dates of the events are of the store's clock.
 */
export function isUndecided(
  attempt: number,
  live: readonly Dated[],
  events: readonly Dated[],
  sinceMs: number,
): boolean {
  const claims = live.filter((event) => event.kind === 'claim').filter((claim) => claim.attempt === attempt)
  const isYoung = claims.some(({ storedAt }) => storedAt === undefined || Date.parse(storedAt) >= sinceMs)
  const confirmed = new Set(events.flatMap((event) => (event.kind === 'confirm' ? [event.confirmed] : [])))
  return isYoung && (claims.length > 1 || claims.some(({ writeId }) => !confirmed.has(writeId)))
}

/** When the last of several holders first spoke, by the store's clock where it is known. */
export function lastArrival(current: readonly Dated[], workers: readonly string[]): string {
  const last = workers.at(-1)
  const first = current.find((event) => 'worker' in event && event.worker === last)
  return first?.storedAt ?? first?.at ?? ''
}
