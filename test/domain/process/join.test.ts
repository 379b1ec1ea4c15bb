import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createDigests } from '../../../src/adapters/node-crypto/digests.ts'
import { joinProcess } from '../../../src/domain/process/merge/join.ts'
import { joinedEtag } from '../../../src/domain/process/merge/joined-etag.ts'
import { decodeEvent, encodeEvent, type ProcessEvent } from '../../../src/domain/process/merge/process-event.ts'
import { isFinal, processId } from '../../../src/domain/process/process-state.ts'

const id = processId('p1')
const digests = createDigests()
const at = (second: number) => new Date(Date.UTC(2026, 2, 1, 12, 0, second)).toISOString()

const create = {
  kind: 'create',
  ...{ operationId: 'create', writeId: 'w0', at: at(0), attempt: 1 },
  ...{ type: 'training', name: 'p1', dataset: null, config: {} },
} as const satisfies ProcessEvent

interface Given {
  readonly kind: 'claim' | 'report' | 'cancel' | 'retry' | 'delete' | 'withdraw' | 'confirm' | 'create'
  readonly number: number
  readonly second: number
  readonly worker: string
  readonly attempt: number
  readonly seq: number
  readonly status: 'running' | 'completed' | 'failed' | 'cancelled' | undefined
}

const given: fc.Arbitrary<Given> = fc.record({
  kind: fc.constantFrom(
    'claim',
    'report',
    'report',
    'report',
    'cancel',
    'retry',
    'withdraw',
    'confirm',
    'create',
    'delete',
  ),
  number: fc.nat(30),
  second: fc.nat(20),
  worker: fc.constantFrom('a', 'b'),
  attempt: fc.integer({ min: 1, max: 3 }),
  seq: fc.nat(8),
  status: fc.constantFrom('running', undefined, 'completed', 'failed', 'cancelled'),
})

function eventOf({ kind, number, second, worker, attempt, seq, status }: Given, index: number): ProcessEvent {
  const common = { operationId: `op${number}`, writeId: `w${index + 1}`, at: at(second), attempt }
  if (kind === 'claim') return { ...common, kind, worker }
  if (kind === 'cancel') return { ...common, kind, abandons: number % 2 === 0 }
  if (kind === 'confirm') return { ...common, kind, confirmed: `w${number}` }
  if (kind === 'withdraw') return { ...common, kind, withdrawn: `w${number}` }
  if (kind === 'create') return { ...create, ...common, attempt: 1 }
  if (kind !== 'report') return { ...common, kind }
  const words = {
    step: seq,
    totalSteps: 10,
    metrics: undefined,
    points: undefined,
    message: undefined,
    error: undefined,
  }
  const operationId = `report:${attempt}:${worker}:${seq}`
  return { ...common, kind, operationId, worker, seq, status, ...words, expectNextInSeconds: undefined }
}

const someEvents = fc.array(given, { maxLength: 25 }).map((all) => [create, ...all.map(eventOf)])
const join = (events: readonly ProcessEvent[]) => joinProcess(id, undefined, events)
const etag = (events: readonly ProcessEvent[]) => joinedEtag(undefined, events, digests)

describe('joining the events of a process', () => {
  it('gives the same in whatever order, and however often each is found', () => {
    const shuffled = someEvents.chain((events) =>
      fc.tuple(fc.constant(events), fc.shuffledSubarray(events, { minLength: events.length }), fc.subarray(events)),
    )
    fc.assert(
      fc.property(shuffled, ([events, others, again]) => {
        expect(join([...others, ...again])).toEqual(join(events))
        expect(etag([...others, ...again])).toBe(etag(events))
      }),
    )
  })

  it('is associative: parts that were joined before make the same whole', () => {
    fc.assert(
      fc.property(someEvents, fc.nat(25), fc.nat(25), (events, first, second) => {
        const [a, b] = [events.slice(0, first), events.slice(second)]
        const union = (x: readonly ProcessEvent[], y: readonly ProcessEvent[]) => [...new Set([...x, ...y])]
        expect(join(union(union(a, b), events))).toEqual(join(union(a, union(b, events))))
        expect(join(union(a, b))).toEqual(join(union(b, a)))
      }),
    )
  })

  it('never makes the version smaller, nor the attempt, when an event is added', () => {
    fc.assert(
      fc.property(someEvents, (events) => {
        const steady = events.filter(({ kind }) => kind !== 'withdraw')
        let [version, attempt] = [0, 0]
        for (let count = 1; count <= steady.length; count++) {
          const { state } = join(steady.slice(0, count)) ?? {}
          expect(state?.version).toBeGreaterThanOrEqual(version)
          expect(state?.attempt).toBeGreaterThanOrEqual(attempt)
          version = state?.version ?? 0
          attempt = state?.attempt ?? 0
        }
      }),
    )
  })

  it('keeps the end that a worker reported, whatever else arrives for that attempt', () => {
    fc.assert(
      fc.property(someEvents, (events) => {
        const { state } = join(events) ?? {}
        const ends = events.filter(
          (event) =>
            event.kind === 'report' &&
            event.attempt === state?.attempt &&
            event.status === 'completed' &&
            !events.some((other) => other.kind === 'withdraw' && other.withdrawn === event.writeId) &&
            !events.some((other) => other.operationId === event.operationId && other !== event),
        )
        if (ends.length > 0 && state !== undefined) expect(isFinal(state.status) && state.status).toBe('completed')
      }),
    )
  })
})

describe('an event in the store', () => {
  it('is read as it was written', () => {
    fc.assert(
      fc.property(given, (one) => {
        const event = JSON.parse(JSON.stringify(eventOf(one, 0))) as ProcessEvent
        expect(decodeEvent(encodeEvent(event, digests), digests)).toEqual(event)
      }),
    )
  })

  it('is not there yet while half of it is missing, or one byte is another', () => {
    const whole = encodeEvent(create, digests)
    for (let length = 0; length < whole.byteLength; length += 7) {
      expect(decodeEvent(whole.slice(0, length), digests)).toBeUndefined()
    }
    for (let offset = 0; offset < whole.byteLength; offset += 5) {
      const spoiled = whole.slice()
      spoiled[offset] = 0x00
      expect(decodeEvent(spoiled, digests)).toBeUndefined()
    }
  })
})
