import { expect } from 'vitest'
import type { BodyFault } from '../fake-s3/fault.ts'
import { type Cell, cellsFor, joinedOnce, meets, passes, spoiled } from './cell.ts'
import { ask } from './http-client.ts'
import { impatient } from './limits.ts'
import { type Performed, works, zipOf } from './operations.ts'
import { prefix, type Rig } from './rig.ts'
import { runRows } from './run-rows.ts'

// Rows 6 to 10: requests and answers that end somewhere in their middle.

const MiB = 2 ** 20
const places = ['first', 'half', 'last'] as const
type PlaceName = (typeof places)[number]

/** Of what is sent up: of the body of a request. */
const sentBytes = { put: 20_000, parts: 8 * MiB, complete: 100 }
/** Of the heads of answers without a body. */
const headBytes = 150

const placeIn = (place: PlaceName, bytes: number) => ({ first: 1, half: Math.floor(bytes / 2), last: bytes - 1 })[place]
const cutAt = { first: 1, half: { share: 0.5 }, last: { share: 0.999_999 } }
const uploads = ['put', 'parts', 'complete'] as const
const how = { reset: 'reset', close: 'closed' } as const

const cutRequests = (row: number, toxic: 'reset' | 'close', at: readonly PlaceName[]): Cell[] =>
  at.flatMap((place) =>
    uploads.flatMap((operation) =>
      cellsFor([operation], {
        row,
        fault: `${how[toxic]} at the ${place} byte of the request`,
        expected: 'done',
        spoil: passes('up', { toxic, at: { body: placeIn(place, sentBytes[operation]) } }),
      }),
    ),
  )

/** The work is done by then. */
const cutHeads = (row: number, toxic: 'reset' | 'close', at: readonly PlaceName[]): Cell[] =>
  at.flatMap((place) =>
    joinedOnce(
      cellsFor([...uploads, 'state'], {
        row,
        fault: `done, and ${how[toxic]} at the ${place} byte of the head of the answer`,
        expected: 'done',
        spoil: passes('down', { toxic, at: { message: placeIn(place, headBytes) } }),
      }),
    ),
  )

/** What was delivered is not asked for again: the next request is for the rest, of the same version. */
const goesOn = ({ fake }: Rig, { expected }: Performed) => {
  const key = `${prefix}/files/subject.bin`
  const reads = fake.requests.filter((one) => one.operation === 'GetObject' && one.key === key)
  const [first, next] = reads.map(({ headers }) => headers)
  const from = Number(/^bytes=(\d+)-/.exec(`${next?.range}`)?.[1])
  expect(first?.range).toBeUndefined()
  expect(from).toBeGreaterThan(0)
  expect(from).toBeLessThan(expected?.byteLength ?? 0)
  expect(next?.['if-match']).toBe(`"${fake.object(key)?.etag}"`)
}

const cutAnswers = (row: number, cut: 'reset' | 'close'): Cell[] =>
  places.flatMap((place) => {
    const fault = `${how[cut]} at the ${place} byte of the answer`
    const spoil = meets({ body: { cutAt: cutAt[place], how: cut } })
    return [
      { row, fault, operation: 'get', expected: 'done', spoil, also: goesOn },
      ...joinedOnce(cellsFor(['zip', 'list', 'complete'], { row, fault, expected: 'done', spoil })),
    ]
  })

/** Breaks what is read, and replaces all that can be read before the first rest is asked for. */
const replacedInTheMiddle = (rig: Rig) => {
  rig.fake.inject('GetObject', spoiled(), { body: { cutAt: { share: 0.5 }, how: 'reset' } })
  const asked = new Set<string | undefined>()
  const stop = rig.proxy.watch((event, { operation, key }) => {
    if (event !== 'asked' || operation !== 'GetObject') return
    if (!asked.has(key)) return void asked.add(key)
    stop()
    for (const stored of rig.fake.keys().filter((one) => /files\/(subject\.bin|zip\/.)$/.test(one))) {
      rig.fake.putDirectly(stored, new Uint8Array(150_000))
    }
  })
}

const halfWithoutLength: BodyFault = { cutAt: { share: 0.5 }, how: 'close', lengthless: true }

const cells: readonly Cell[] = [
  ...joinedOnce(
    cellsFor(['get', 'zip', 'list', 'complete'], {
      row: 6,
      fault: 'headers, then silence',
      settings: impatient,
      expected: 'done',
      spoil: passes('down', { toxic: 'stall', at: { body: 10 } }),
    }),
  ),
  ...(['get', 'zip'] as const).map(
    (operation): Cell => ({
      row: 6,
      fault: 'half of the body, then silence, twice',
      operation,
      settings: impatient,
      expected: 'done',
      spoil: meets({ body: { cutAt: { share: 0.5 }, how: 'stall' } }, 2),
      ...(operation === 'get' && { also: goesOn }),
    }),
  ),
  ...cutRequests(7, 'reset', places),
  ...cutHeads(7, 'reset', places),
  ...cutAnswers(7, 'reset'),
  ...cutRequests(8, 'close', ['half']),
  ...cutHeads(8, 'close', ['half']),
  ...cutAnswers(8, 'close'),
  ...cellsFor(['get', 'zip', 'list'], {
    row: 9,
    fault: 'closed in the middle of an answer without a length',
    expected: 'done',
    spoil: meets({ body: halfWithoutLength }),
  }),
  {
    row: 9,
    fault: 'a document closed in the middle, without a length',
    operation: 'state',
    expected: 'done',
    spoil: (rig) => void rig.fake.inject('GetObject', 1, { body: halfWithoutLength }),
  },
  {
    row: 10,
    fault: 'replaced while it is read',
    operation: 'get',
    expected: 'reset',
    spoil: replacedInTheMiddle,
  },
  ...(
    [
      // What is small is read whole before a byte is sent, so that there can still be an error.
      ['small objects', works.zip, 409],
      ['a large object', zipOf([3_000_000]), 'reset'],
    ] as const
  ).map(
    ([what, work, expected]): Cell => ({
      row: 10,
      fault: `${what} replaced while the archive is read`,
      operation: 'zip',
      work,
      expected,
      spoil: replacedInTheMiddle,
      async also(_, { answer, url = '' }) {
        expect(answer.body.includes('PK\x05\x06'), 'an end of the archive').toBe(false)
        expect((await ask(url)).status).toBe(409)
      },
    }),
  ),
]

runRows(cells)
