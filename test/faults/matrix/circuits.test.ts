import { setTimeout as pause } from 'node:timers/promises'
import { expect } from 'vitest'
import { s3Error } from '../fake-s3/fault-answers.ts'
import type { Operation } from '../fake-s3/request.ts'
import type { Cell } from './cell.ts'
import { eventually } from './eventually.ts'
import { type Answer, ask } from './http-client.ts'
import { circuitCalls, halfOpenCalls, retriesMax } from './limits.ts'
import { type OperationName, objectUrl, put } from './operations.ts'
import type { Rig } from './rig.ts'
import { runRows } from './run-rows.ts'

// Row 37, the circuits of row 1 and the storm of row 12: what many calls make of a store that is down, and then is back.

interface Class {
  readonly operation: OperationName
  /** The requests of this class that the operation needs. */
  readonly request: Operation
  circuit(rig: Rig): { readonly circuit: string; readonly retryAfterMs: number }
  /** A request to the service that needs one of them. */
  call(rig: Rig): Promise<Answer>
}

const subject = (rig: Rig) => ask(objectUrl(rig, 'files/subject.bin'))

const classes: readonly Class[] = [
  {
    operation: 'put',
    request: 'PutObject',
    circuit: ({ health }) => health().objects.data,
    call: (rig) => put(rig, 'files/other.bin', new Uint8Array(10)),
  },
  { operation: 'get', request: 'GetObject', circuit: ({ health }) => health().objects.data, call: subject },
  {
    operation: 'zip',
    request: 'GetObject',
    circuit: ({ health }) => health().objects.data,
    call: (rig) => ask(objectUrl(rig, 'files/zip/a')),
  },
  {
    operation: 'list',
    request: 'ListObjectsV2',
    circuit: ({ health }) => health().objects.list,
    call: (rig) => ask(`${rig.origin}/v1/objects?prefix=files/list/`),
  },
  {
    operation: 'state',
    request: 'GetObject',
    circuit: ({ health }) => health().state.data,
    call: (rig) => ask(`${rig.origin}/v1/processes/none`),
  },
]

const [stormCalls, stormAtOnce] = [120, 6]

const down = { when: 'before-commit', answer: { status: 500 } } as const

/** Calls until the circuit opens. Gives how many requests of the class that took. */
async function open(rig: Rig, { request, circuit, call }: Class): Promise<number> {
  const before = rig.fake.count(request)
  for (let calls = 0; calls < 2 * circuitCalls && circuit(rig).circuit !== 'open'; calls++) {
    expect(await call(rig)).toMatchObject({ status: 503, ending: 'clean' })
  }
  expect(circuit(rig).circuit).toBe('open')
  return rig.fake.count(request) - before
}

const untilDue = async (rig: Rig, { circuit }: Class): Promise<void> => {
  await pause(circuit(rig).retryAfterMs + 5)
}

const cells: readonly Cell[] = [
  ...classes.map(
    (of): Cell => ({
      row: 37,
      fault: 'a circuit that has opened, stays so while the store is down, and closes when it is back',
      operation: of.operation,
      // An archive reads more objects at once than there may be tries, and the others are refused.
      expected: of.operation === 'zip' ? ['done', 'reset', 'unavailable'] : 'done',
      settings: { openFirstMs: 150, openMaxMs: 300 },
      async spoil(rig) {
        const heal = rig.fake.inject(of.request, 'every', down)
        expect(await open(rig, of), 'requests until it opened').toBeLessThanOrEqual(circuitCalls + retriesMax)
        await untilDue(rig, of)
        const [before, toldBefore] = [rig.fake.count(of.request), rig.told.length]
        const together = await Promise.all(Array.from({ length: 12 }, () => of.call(rig)))
        for (const answer of together) expect(answer.status).toBe(503)
        const halfOpened = rig.told
          .slice(toldBefore)
          .filter((one) => one.event === 'circuit' && one.circuit === 'half-open')
        const tries = rig.fake.count(of.request) - before
        expect(tries, 'tries of a half-open circuit').toBeLessThanOrEqual(halfOpenCalls * halfOpened.length)
        expect(tries).toBeGreaterThan(0)
        heal()
        await untilDue(rig, of)
      },
      async also(rig, { url, expected }) {
        // The operation and those that come after it are the tries.
        for (let calls = 0; calls < halfOpenCalls; calls++) expect((await of.call(rig)).status).not.toBe(503)
        expect(of.circuit(rig).circuit).toBe('closed')
        if (url !== undefined) expect(Buffer.compare((await ask(url)).body, expected ?? new Uint8Array())).toBe(0)
      },
    }),
  ),
  ...classes.map(
    (of): Cell => ({
      row: 12,
      fault: `429 to everything, and ${stormCalls} calls`,
      operation: of.operation,
      expected: 'unavailable',
      // As by default: what tries whether the store is back comes by the second, and not by the call.
      settings: { openFirstMs: 1_000, openMaxMs: 5_000 },
      async spoil(rig) {
        const answer = s3Error(429, 'TooManyRequests')
        rig.fake.inject('any', 'every', { when: 'before-commit', answer })
        const before = rig.fake.count()
        for (let calls = 0; calls < stormCalls; calls += stormAtOnce) {
          const answers = await Promise.all(Array.from({ length: stormAtOnce }, () => of.call(rig)))
          for (const { status } of answers) expect(status).toBe(503)
        }
        expect((rig.fake.count() - before) / stormCalls, 'requests for each call').toBeLessThanOrEqual(1.1)
      },
    }),
  ),
  ...classes.map(
    (of): Cell => ({
      row: 1,
      fault: 'refused connections until the circuit opens',
      operation: of.operation,
      expected: 'unavailable',
      settings: { openFirstMs: 5_000, openMaxMs: 5_000 },
      async spoil(rig) {
        await rig.proxy.refuse('ever')
        const isOpen = () => Object.values(rig.health()).some(({ data, meta, list }) => [data, meta, list].some(opened))
        for (let calls = 0; calls < 2 * circuitCalls && !isOpen(); calls++) await of.call(rig)
        expect(isOpen()).toBe(true)
        // What was under way when it opened.
        await eventually(
          () => rig.proxy.connections().busy,
          (busy) => busy === 0,
          1_000,
        )
      },
      async also(rig) {
        const attempts = () => rig.told.filter(({ event }) => event === 'attempt').length
        const before = attempts()
        const refused = await of.call(rig)
        expect(refused.status).toBe(503)
        expect(Number(refused.headers['retry-after'])).toBeGreaterThanOrEqual(1)
        expect(attempts(), 'nobody was asked').toBe(before)
        const { breakers } = JSON.parse((await ask(`${rig.origin}/readyz`)).body.toString())
        expect(breakers, 'what readiness says').toContainEqual(expect.objectContaining({ state: 'open' }))
      },
    }),
  ),
]

const opened = ({ circuit }: { readonly circuit: string }) => circuit === 'open'

runRows(cells)
