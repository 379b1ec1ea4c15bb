import { beatProcess } from '../../src/domain/process/beat-process.ts'
import { claimOldest } from '../../src/domain/process/claim-oldest.ts'
import { createProcess } from '../../src/domain/process/create-process.ts'
import { deleteProcess } from '../../src/domain/process/delete-process.ts'
import { livenessOf } from '../../src/domain/process/liveness.ts'
import type { AppliedOperation, ReadProcess } from '../../src/domain/process/process-ledger.ts'
import { isFinal, type ProcessId, processId } from '../../src/domain/process/process-state.ts'
import { type ProcessReport, reportProcess } from '../../src/domain/process/report-process.ts'
import { cancelProcess, retryProcess, takeOverProcess } from '../../src/domain/process/steer-process.ts'
import { CodedError, StoreUnavailable } from '../../src/ports/errors.ts'
import type { Random } from '../faults/random.ts'
import type { Call, Seen } from './history.ts'
import type { Instance } from './instance.ts'
import type { World } from './world.ts'

export interface Stage {
  readonly world: World
  readonly random: Random
  readonly instances: Instance[]
  readonly calls: Call[]
  /** Clients begin nothing new after that. */
  readonly endsMs: number
}

type About = Pick<Call, 'client' | 'verb' | 'id' | 'operationId'> & Partial<Pick<Call, 'worker' | 'attempt' | 'seq'>>
type Outcome = Pick<Call, 'result'> & Partial<Pick<Call, 'code' | 'seen' | 'id' | 'attempt'>>

const { signal } = new AbortController()
export const processNames = ['p1', 'p2', 'p3'] as const
/** A worker that is not heard of for 63 s is lost. */
export const expectNextInSeconds = 1

export function seenOf({ state }: ReadProcess, storeNowMs: number): Seen {
  const { version, status, attempt, worker, cancelRequested } = state
  return { version, status, attempt, worker, cancelRequested, liveness: livenessOf(state, storeNowMs) }
}

/** One call to an instance that may crash in the middle; written down as its client sees it. */
export async function call(
  { world, random, instances, calls }: Stage,
  about: About,
  make: (instance: Instance) => Promise<Outcome>,
  at?: number,
): Promise<Call> {
  const index = at ?? random.integer(0, instances.length - 1)
  const instance = instances[index] as Instance
  const invokedMs = world.nowMs()
  const place = calls.length
  const record = (outcome: Outcome): Call => ({
    ...about,
    instance: index,
    invokedMs,
    returnedMs: world.nowMs(),
    ...outcome,
  })
  // Open until it returns, and for ever when it does not.
  calls.push(record({ result: 'unknown' }))
  const outcome = await Promise.race([
    make(instance).catch((error: unknown): Outcome => {
      if (error instanceof StoreUnavailable) return { result: 'unknown' }
      if (!(error instanceof CodedError)) throw error
      return { result: 'rejected', code: error.code }
    }),
    instance.gone.then((): Outcome => ({ result: 'unknown' })),
  ])
  const done = record(outcome)
  calls[place] = done
  return done
}

function applied(done: AppliedOperation, instance: Instance): Outcome {
  return {
    result: done.repeated ? 'duplicate' : 'applied',
    seen: seenOf(done, instance.deps.ledger.nowMs()),
    id: done.state.id,
  }
}

export async function readOne(stage: Stage, client: string, id: string, at?: number): Promise<Call> {
  const make = async (instance: Instance): Promise<Outcome> => {
    const found = await instance.deps.ledger.read(processId(id), { signal })
    if (found === undefined) return { result: 'absent' }
    return { result: 'read', seen: seenOf(found, instance.deps.ledger.nowMs()) }
  }
  return await call(stage, { client, verb: 'read', id, operationId: '' }, make, at)
}

type Steering = 'cancel' | 'retry' | 'takeover'

const steer = { cancel: cancelProcess, retry: retryProcess }

/** Creates, cancels, retries, deletes and looks, and sends some of it again, at once or much later. */
export async function runUser(stage: Stage, client: string, home: number): Promise<void> {
  const { world, random } = stage
  const earlier: (() => Promise<Call>)[] = []
  const doAgain = async (once: () => Promise<Call>) => {
    earlier.push(once)
    let done = await once()
    for (let tries = 0; done.result === 'unknown' && tries < 3; tries++) {
      await world.sleep(random.integer(10, 2_000))
      done = await once()
    }
  }
  const create = (id: ProcessId, key: string) => () =>
    call(stage, { client, verb: 'create', id, operationId: `create:${key}` }, async (instance) => {
      const wanted = { id, type: 'training', name: id, dataset: undefined, config: {} } as const
      return applied(await createProcess(instance.deps, wanted, { signal, idempotencyKey: key }), instance)
    })
  const steering = (verb: Exclude<Steering, 'takeover'>, id: ProcessId, key: string) => () =>
    call(stage, { client, verb, id, operationId: `${verb}:${key}` }, async (instance) =>
      applied(await steer[verb](instance.deps, id, { signal, idempotencyKey: key }), instance),
    )
  const remove = (id: ProcessId, key: string) => () =>
    call(stage, { client, verb: 'delete', id, operationId: `delete:${key}` }, async (instance) => {
      await deleteProcess(instance.deps, id, { signal })
      return { result: 'applied' }
    })
  for (let n = 0; world.nowMs() < stage.endsMs; n++) {
    const id = processId(random.pick([...processNames]))
    const key = `${client}-${n}`
    const dice = random.fraction()
    if (dice < 0.3) await doAgain(create(id, key))
    else if (dice < 0.38) await doAgain(steering('cancel', id, key))
    else if (dice < 0.55) await doAgain(steering('retry', id, key))
    else if (dice < 0.6) await doAgain(remove(id, key))
    else if (dice < 0.7 && earlier.length > 0) await earlier[random.integer(0, earlier.length - 1)]?.()
    else for (let i = 0; i < 3; i++) await readOne(stage, client, id, home)
    await world.sleep(random.integer(100, 8_000))
  }
}

/** Claims, reports, ends; goes silent now and then, or takes over what others left. */
export async function runWorker(stage: Stage, worker: string): Promise<void> {
  const { world, random } = stage
  for (let n = 0; world.nowMs() < stage.endsMs; n++) {
    const idempotencyKey = `${worker}-${n}`
    const isTakeover = random.fraction() < 0.3
    const takeover = async () => {
      const id = processId(random.pick([...processNames]))
      const about = { client: worker, verb: 'takeover', id, operationId: `takeover:${idempotencyKey}`, worker } as const
      return await call(stage, about, async (instance) =>
        applied(await takeOverProcess(instance.deps, id, { signal, worker, idempotencyKey }), instance),
      )
    }
    const claim = async () => {
      const about = { client: worker, verb: 'claim', id: '', operationId: `claim:${idempotencyKey}`, worker } as const
      return await call(stage, about, async (instance) => {
        const done = await claimOldest(instance.deps, { signal, worker, types: undefined, idempotencyKey })
        return done === undefined ? { result: 'absent' } : applied(done, instance)
      })
    }
    let got = await (isTakeover ? takeover() : claim())
    if (got.result === 'unknown' && !isTakeover) got = await claim()
    const isMine = got.seen?.worker === worker && !isFinal(got.seen.status as 'queued')
    if ((got.result === 'applied' || got.result === 'duplicate') && isMine && got.seen !== undefined) {
      await work(stage, worker, processId(got.id), got.seen.attempt)
    }
    await world.sleep(random.integer(500, 10_000))
  }
}

async function work(stage: Stage, worker: string, id: ProcessId, attempt: number): Promise<void> {
  const { world, random } = stage
  const last = random.integer(3, 12)
  const silentAt = random.fraction() < 0.3 ? random.integer(1, last) : -1
  let sent: (() => Promise<Call>)[] = []
  let isCancelled = false
  for (let seq = 1; seq <= last; seq++) {
    const ends = seq === last || isCancelled
    const ending = isCancelled ? 'cancelled' : random.pick<'completed' | 'failed'>(['completed', 'failed'])
    const status = ends ? ending : 'running'
    const report: ProcessReport = {
      ...{ worker, attempt, seq, status, step: seq, totalSteps: last, expectNextInSeconds },
      ...{ metrics: { loss: 1 / seq }, points: undefined, message: undefined, error: undefined },
    }
    const operationId = `report:${attempt}:${worker}:${seq}`
    const about = { client: worker, verb: 'report', id, operationId, worker, attempt, seq } as const
    const send = () =>
      call(stage, about, async (instance) => {
        const done = await reportProcess(instance.deps, id, report, { signal })
        isCancelled ||= done.state.cancelRequested
        return applied(done, instance)
      })
    sent = [...sent, send]
    let done = await send()
    for (let tries = 0; done.result === 'unknown' && tries < 4; tries++) {
      await world.sleep(random.integer(10, 3_000))
      done = await send()
    }
    if (done.result === 'rejected' || done.result === 'unknown') return
    // Words of before, again.
    if (random.fraction() < 0.1) await sent[random.integer(0, sent.length - 1)]?.()
    if (ends) return
    if (seq !== silentAt) await world.sleep(random.integer(100, 1_000))
    else if (random.fraction() < 0.5) await world.sleep(random.integer(65_000, 140_000))
    else await beatFor(stage, { worker, id, attempt }, random.integer(65_000, 140_000))
  }
}

/** Has nothing to report for a while, and says that it lives. */
async function beatFor(
  stage: Stage,
  { worker, id, attempt }: { worker: string; id: ProcessId; attempt: number },
  durationMs: number,
): Promise<void> {
  const { world, random } = stage
  const untilMs = world.nowMs() + durationMs
  while (world.nowMs() < untilMs) {
    const about = { client: worker, verb: 'beat', id, operationId: '', worker, attempt } as const
    const { result } = await call(stage, about, async ({ deps }) => {
      const found = await beatProcess(deps, id, { worker, attempt }, { signal })
      return { result: 'read', seen: seenOf(found, deps.ledger.nowMs()) }
    })
    if (result === 'rejected') return
    await world.sleep(random.integer(1_000, 8_000))
  }
}
