import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ProcessOperation, ReportOperation } from '../../../src/domain/process/operation.ts'
import { type ProcessState, type ProcessStatus, processId } from '../../../src/domain/process/process-state.ts'
import { type Transition, transition } from '../../../src/domain/process/transition.ts'

const id = processId('p1')
const at = (second: number) => new Date(Date.UTC(2026, 2, 1, 12, 0, second)).toISOString()
let made = 0

function common() {
  made += 1
  return { operationId: `op${made}`, writeId: `w${made}`, at: at(made % 60) }
}

const create = (): ProcessOperation => ({
  ...common(),
  kind: 'create',
  id,
  type: 'training',
  name: 'first',
  dataset: null,
  config: {},
})
const claim = (worker = 'w1'): ProcessOperation => ({ ...common(), kind: 'claim', worker })
const remove = (): ProcessOperation => ({ ...common(), kind: 'delete' })
const cancel = (): ProcessOperation => ({ ...common(), kind: 'cancel' })
const seenAt = (attempt: number, lastSeq = -1) => ({ attempt, lastSeq })
const retry = (attempt?: number, lastSeq?: number): ProcessOperation => ({
  ...common(),
  kind: 'retry',
  lost: attempt === undefined ? undefined : seenAt(attempt, lastSeq),
})
const takeover = (attempt: number, lastSeq?: number): ProcessOperation => ({
  ...common(),
  kind: 'takeover',
  worker: 'w2',
  seen: seenAt(attempt, lastSeq),
})
const report = (given: Partial<ReportOperation> = {}): ReportOperation => ({
  ...common(),
  kind: 'report',
  worker: 'w1',
  attempt: 1,
  seq: 1000,
  status: undefined,
  step: undefined,
  totalSteps: undefined,
  metrics: undefined,
  points: undefined,
  message: undefined,
  error: undefined,
  expectNextInSeconds: undefined,
  ...given,
})

function stateOf(result: Transition): ProcessState {
  if (result.kind !== 'next') throw new Error(`no next state: ${JSON.stringify(result)}`)
  return result.state
}

/** What an operation makes of a state: the new status, `=` for no change, or the code of the refusal. */
function outcome(state: ProcessState | undefined, operation: ProcessOperation): string {
  const result = transition(state, operation)
  if (result.kind === 'refused') return result.error.code
  return result.kind === 'unchanged' ? '=' : result.state.status
}

const all = ['queued', 'starting', 'running', 'completed', 'failed', 'cancelled'] as const

function inStatus(status: ProcessStatus): ProcessState {
  const queued = stateOf(transition(undefined, create()))
  if (status === 'queued') return queued
  if (status === 'cancelled') return stateOf(transition(queued, cancel()))
  const starting = stateOf(transition(queued, claim()))
  if (status === 'starting') return starting
  const running = stateOf(transition(starting, report({ status: 'running', seq: 1 })))
  return status === 'running' ? running : stateOf(transition(running, report({ status, seq: 2 })))
}

// Written down from the contract, and not from the code.
const moves: Record<string, { operation: (state: ProcessState) => ProcessOperation } & Record<ProcessStatus, string>> =
  {
    create: {
      operation: create,
      queued: 'conflict',
      starting: 'conflict',
      running: 'conflict',
      completed: 'conflict',
      failed: 'conflict',
      cancelled: 'conflict',
    },
    claim: {
      operation: () => claim(),
      queued: 'starting',
      starting: 'already-claimed',
      running: 'already-claimed',
      completed: 'already-claimed',
      failed: 'already-claimed',
      cancelled: 'already-claimed',
    },
    'takeover of this attempt': {
      operation: ({ lastSeq }) => takeover(1, lastSeq),
      queued: 'illegal-transition',
      starting: 'starting',
      running: 'starting',
      completed: 'illegal-transition',
      failed: 'illegal-transition',
      cancelled: 'illegal-transition',
    },
    'takeover of another attempt': {
      operation: ({ lastSeq }) => takeover(2, lastSeq),
      queued: 'illegal-transition',
      starting: 'already-claimed',
      running: 'already-claimed',
      completed: 'illegal-transition',
      failed: 'illegal-transition',
      cancelled: 'illegal-transition',
    },
    cancel: {
      operation: cancel,
      queued: 'cancelled',
      starting: 'starting',
      running: 'running',
      completed: 'illegal-transition',
      failed: 'illegal-transition',
      cancelled: '=',
    },
    'takeover of a worker that has spoken since': {
      operation: ({ lastSeq }) => takeover(1, lastSeq - 1),
      queued: 'illegal-transition',
      starting: 'already-claimed',
      running: 'already-claimed',
      completed: 'illegal-transition',
      failed: 'illegal-transition',
      cancelled: 'illegal-transition',
    },
    'retry of a worker that has spoken since': {
      operation: ({ lastSeq }) => retry(1, lastSeq - 1),
      queued: 'illegal-transition',
      starting: 'illegal-transition',
      running: 'illegal-transition',
      completed: 'illegal-transition',
      failed: 'queued',
      cancelled: 'queued',
    },
    delete: {
      operation: remove,
      queued: 'illegal-transition',
      starting: 'illegal-transition',
      running: 'illegal-transition',
      completed: 'completed',
      failed: 'failed',
      cancelled: 'cancelled',
    },
    retry: {
      operation: () => retry(),
      queued: 'illegal-transition',
      starting: 'illegal-transition',
      running: 'illegal-transition',
      completed: 'illegal-transition',
      failed: 'queued',
      cancelled: 'queued',
    },
    'retry of this attempt, lost': {
      operation: ({ lastSeq }) => retry(1, lastSeq),
      queued: 'illegal-transition',
      starting: 'queued',
      running: 'queued',
      completed: 'illegal-transition',
      failed: 'queued',
      cancelled: 'queued',
    },
    'retry of another attempt, lost': {
      operation: ({ lastSeq }) => retry(2, lastSeq),
      queued: 'illegal-transition',
      starting: 'illegal-transition',
      running: 'illegal-transition',
      completed: 'illegal-transition',
      failed: 'queued',
      cancelled: 'queued',
    },
    'report of progress': {
      operation: () => report({ step: 5 }),
      queued: 'starting',
      starting: 'starting',
      running: 'running',
      completed: 'illegal-transition',
      failed: 'illegal-transition',
      cancelled: 'illegal-transition',
    },
    'report of starting': {
      operation: () => report({ status: 'starting' }),
      queued: 'starting',
      starting: 'starting',
      running: 'illegal-transition',
      completed: 'illegal-transition',
      failed: 'illegal-transition',
      cancelled: 'illegal-transition',
    },
    ...Object.fromEntries(
      (['running', 'completed', 'failed', 'cancelled'] as const).map((status) => [
        `report of ${status}`,
        {
          operation: () => report({ status }),
          queued: status,
          starting: status,
          running: status,
          completed: 'illegal-transition',
          failed: 'illegal-transition',
          cancelled: 'illegal-transition',
        },
      ]),
    ),
    'report of an older attempt': {
      operation: () => report({ attempt: 0 }),
      queued: 'fenced',
      starting: 'fenced',
      running: 'fenced',
      completed: 'fenced',
      failed: 'fenced',
      cancelled: 'fenced',
    },
    'report of an attempt to come': {
      operation: () => report({ attempt: 2 }),
      queued: 'fenced',
      starting: 'fenced',
      running: 'fenced',
      completed: 'fenced',
      failed: 'fenced',
      cancelled: 'fenced',
    },
    'report of another worker': {
      operation: () => report({ worker: 'w9' }),
      queued: 'starting',
      starting: 'fenced',
      running: 'fenced',
      completed: 'fenced',
      failed: 'fenced',
      cancelled: 'illegal-transition',
    },
  }

describe.each(Object.entries(moves))('%s', (_, { operation, ...expected }) => {
  it.each(all)('in status %s', (status) => {
    const state = inStatus(status)
    expect(state.status).toBe(status)
    expect(outcome(state, operation(state))).toBe(expected[status])
  })
})

describe('an operation on a process', () => {
  it.each([claim(), cancel(), retry(), takeover(1), report()])(
    'that does not exist is not found: $kind',
    (operation) => {
      expect(outcome(undefined, operation)).toBe('not-found')
    },
  )

  it('creates it as queued, in its first attempt and version', () => {
    expect(inStatus('queued')).toMatchObject({ status: 'queued', attempt: 1, version: 1, worker: null, previous: null })
  })

  it('asks a claimed one to end by a flag, which the next attempt does not inherit', () => {
    const asked = stateOf(transition(inStatus('running'), cancel()))
    expect(asked).toMatchObject({ status: 'running', cancelRequested: true })
    expect(outcome(asked, cancel())).toBe('=')
    const ended = stateOf(transition(asked, report({ status: 'cancelled' })))
    expect(ended).toMatchObject({ status: 'cancelled', endedAt: expect.any(String) })
    const again = stateOf(transition(ended, retry()))
    expect(again).toMatchObject({
      status: 'queued',
      attempt: 2,
      worker: null,
      cancelRequested: false,
      lastSeq: -1,
      step: 0,
      error: null,
      startedAt: null,
      endedAt: null,
    })
  })

  it('knows a repeated seq, also when the process has ended since', () => {
    const running = stateOf(transition(inStatus('starting'), report({ status: 'running', seq: 5, step: 50 })))
    for (const seq of [1, 4, 5]) expect(outcome(running, report({ status: 'failed', seq }))).toBe('=')
    const ended = stateOf(transition(running, report({ status: 'completed', seq: 6 })))
    expect(outcome(ended, report({ status: 'completed', seq: 6 }))).toBe('=')
    expect(outcome(ended, report({ status: 'running', seq: 7 }))).toBe('illegal-transition')
  })

  it('is gone for everybody after its deletion, but for whoever makes it anew', () => {
    const gone = stateOf(transition(inStatus('completed'), remove()))
    expect(gone).toMatchObject({ deleted: true, config: {} })
    for (const late of [claim(), cancel(), retry(), takeover(1), report()])
      expect(outcome(gone, late)).toBe('not-found')
    expect(outcome(gone, remove())).toBe('=')
    expect(stateOf(transition(gone, create()))).toMatchObject({ version: gone.version + 1, previous: gone.writeId })
  })

  it('is not made again by the request that made it, when that arrives after the deletion', () => {
    const first = create()
    const ended = stateOf(transition(stateOf(transition(undefined, first)), cancel()))
    expect(outcome(stateOf(transition(ended, remove())), first)).toBe('conflict')
  })

  it('fences the old worker after a takeover', () => {
    const taken = stateOf(transition(inStatus('running'), takeover(1, 1)))
    expect(taken).toMatchObject({ status: 'starting', attempt: 2, worker: 'w2', lastSeq: -1 })
    expect(outcome(taken, report({ attempt: 1 }))).toBe('fenced')
    expect(outcome(taken, report({ attempt: 2 }))).toBe('fenced')
    expect(outcome(taken, report({ attempt: 2, worker: 'w2', seq: 1 }))).toBe('starting')
    expect(outcome(taken, takeover(1))).toBe('already-claimed')
  })

  it('keeps what a report does not mention', () => {
    const facts = { step: 3, totalSteps: 10, metrics: { loss: 0.5 }, message: 'on it', expectNextInSeconds: 30 }
    const told = stateOf(transition(inStatus('starting'), report({ ...facts, seq: 1 })))
    expect(stateOf(transition(told, report({ seq: 2 })))).toMatchObject(facts)
  })

  it('always has a reason for a failure, and none for anything else', () => {
    const failed = stateOf(transition(inStatus('running'), report({ status: 'failed' })))
    expect(failed.error).toEqual({ code: 'failed', message: expect.any(String) })
    const error = { code: 'oom', message: 'out of memory' }
    expect(stateOf(transition(inStatus('running'), report({ status: 'failed', error }))).error).toEqual(error)
    expect(stateOf(transition(inStatus('running'), report())).error).toBeNull()
  })
})

describe('whatever happens to a process', () => {
  const someReport = fc
    .record({
      worker: fc.constantFrom('w1', 'w2'),
      attempt: fc.integer({ min: 1, max: 4 }),
      seq: fc.integer({ min: 1, max: 12 }),
      status: fc.constantFrom(undefined, 'starting', 'running', 'completed', 'failed', 'cancelled'),
      step: fc.option(fc.nat(100), { nil: undefined }),
    })
    .map((given) => () => report(given as Partial<ReportOperation>))
  const seen = fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: -1, max: 4 }))
  const someOperation = fc.oneof(
    { weight: 6, arbitrary: someReport },
    fc.constantFrom('w1', 'w2').map((worker) => () => claim(worker)),
    fc.constant(cancel),
    fc.option(seen, { nil: undefined }).map((lost) => () => retry(...(lost ?? []))),
    seen.map(
      ([attempt, lastSeq]) =>
        () =>
          takeover(attempt, lastSeq),
    ),
    fc.constant(create),
  )
  const history = fc.array(someOperation, { maxLength: 40 }).map((makers) => makers.map((make) => make()))

  /** Runs the operations and shows each step that changed something. */
  function run(
    operations: readonly ProcessOperation[],
    look: (before: ProcessState, after: ProcessState, by: ProcessOperation) => void,
  ) {
    let state = stateOf(transition(undefined, create()))
    for (const operation of operations) {
      const result = transition(state, operation)
      if (result.kind !== 'next') continue
      look(state, result.state, operation)
      state = result.state
    }
    return state
  }

  it('every change raises the version by exactly one and points at the version before', () => {
    fc.assert(
      fc.property(history, (operations) => {
        run(operations, (before, after, by) => {
          expect(after.version).toBe(before.version + 1)
          expect([after.previous, after.writeId]).toEqual([before.writeId, by.writeId])
        })
      }),
    )
  })

  it('attempts never decrease, and grow only by a retry or a takeover', () => {
    fc.assert(
      fc.property(history, (operations) => {
        run(operations, (before, after, { kind }) => {
          expect(after.attempt - before.attempt).toBe(kind === 'retry' || kind === 'takeover' ? 1 : 0)
        })
      }),
    )
  })

  it('what is completed stays so, and what failed or was cancelled is left only by a retry', () => {
    fc.assert(
      fc.property(history, (operations) => {
        run(operations, (before, after, { kind }) => {
          expect(before.status).not.toBe('completed')
          if (before.status === 'failed' || before.status === 'cancelled')
            expect([kind, after.status]).toEqual(['retry', 'queued'])
        })
      }),
    )
  })

  it('an end has a time, and nothing else has', () => {
    fc.assert(
      fc.property(history, (operations) => {
        run(operations, (_, after) => {
          const ended = ['completed', 'failed', 'cancelled'].includes(after.status)
          expect(after.endedAt !== null).toBe(ended)
          if (after.status === 'queued') expect([after.worker, after.startedAt]).toEqual([null, null])
        })
      }),
    )
  })

  it('the same operation twice changes nothing the second time', () => {
    fc.assert(
      fc.property(history, someOperation, (operations, make) => {
        const state = run(operations, () => undefined)
        const operation = make()
        const first = transition(state, operation)
        const after = first.kind === 'next' ? first.state : state
        const second = transition(after, operation)
        expect(second.kind).toBe(first.kind === 'refused' ? 'refused' : 'unchanged')
        expect(transition(state, operation)).toEqual(first)
      }),
    )
  })

  it('the document stays small', () => {
    fc.assert(
      fc.property(fc.integer({ min: 70, max: 120 }), (rounds) => {
        const operations = Array.from({ length: rounds }, () => [cancel(), retry()]).flat()
        const { operations: recorded, history: told } = run(operations, () => undefined)
        expect(recorded.length).toBeLessThanOrEqual(64)
        expect(told.length).toBeLessThanOrEqual(20)
      }),
      { numRuns: 5 },
    )
  })
})
