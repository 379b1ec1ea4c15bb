import { expect } from 'vitest'
import { type Cell, cellsFor, everyWork, meets, writes } from './cell.ts'
import { failLookups } from './name-server.ts'
import type { Performed, Work } from './operations.ts'
import type { Rig } from './rig.ts'

/** When the requests before the spoiled one are answered: what the work sends first must still get through. */
const justBefore = async (rig: Rig, { target }: Work, spoil: () => void | Promise<void>): Promise<void> => {
  const before: Partial<Record<string, readonly [operation: string, nth: number]>> = {
    UploadPart: ['CreateMultipartUpload', 1],
    CompleteMultipartUpload: ['UploadPart', 2],
  }
  const [operation, nth] = before[target] ?? []
  if (operation === undefined) return spoil()
  let seen = 0
  const stop = rig.proxy.watch((event, exchange) => {
    if (event !== 'answered' || exchange.operation !== operation) return
    seen += 1
    if (seen !== nth) return
    stop()
    void spoil()
  })
}

const oneObject = (rig: Rig, { written }: Performed) => {
  for (const { key } of written) expect(rig.fake.keys().filter((stored) => stored === key)).toHaveLength(1)
  expect(rig.fake.openUploads()).toEqual([])
}

const places = ['first', 'half', 'last'] as const
const placeIn = (place: (typeof places)[number], bytes: number) =>
  ({ first: 1, half: Math.floor(bytes / 2), last: bytes - 1 })[place]

export const connectionRows: readonly Cell[] = [
  ...cellsFor(everyWork, {
    row: 1,
    fault: 'a refused connection',
    expected: 'done',
    spoil: (rig, work) => justBefore(rig, work, () => rig.proxy.refuse(1)),
  }),
  ...cellsFor(everyWork, {
    row: 1,
    fault: 'refused connections for ever',
    expected: 'unavailable',
    spoil: (rig, work) => justBefore(rig, work, () => rig.proxy.refuse('ever')),
  }),
  ...([1, Number.POSITIVE_INFINITY] as const).flatMap((times) =>
    cellsFor(everyWork, {
      row: 2,
      fault: times === 1 ? 'a name that is not found' : 'a name that is never found',
      expected: times === 1 ? 'done' : 'unavailable',
      byName: true,
      // Connections that stand need no name.
      spoil: (rig, work) =>
        justBefore(rig, work, async () => {
          failLookups(rig.storeHost, times)
          await rig.proxy.refuse('ever')
          await rig.proxy.accept()
        }),
    }),
  ),
  ...cellsFor(everyWork, {
    row: 3,
    fault: 'reset before the answer, not done',
    expected: 'done',
    spoil: meets({ when: 'before-commit', drop: 'reset' }),
    also: oneObject,
  }),
  ...cellsFor(writes, {
    row: 4,
    fault: 'done, then reset',
    expected: 'done',
    spoil: meets({ when: 'after-commit', drop: 'reset' }),
    also: oneObject,
  }),
  {
    row: 4,
    fault: 'done, then reset: joined once',
    operation: 'complete',
    expected: 'done',
    spoil: meets({ when: 'after-commit', drop: 'reset' }),
    also: (rig) => {
      expect(rig.fake.commits.filter(({ key }) => key.endsWith('subject.bin'))).toHaveLength(2)
    },
    requestsMax: 1,
  },
  ...cellsFor(everyWork, {
    row: 5,
    fault: 'no answer, not done',
    expected: 'done',
    spoil: meets({ when: 'before-commit', hang: true }),
  }),
  ...cellsFor(['get', 'zip', 'list', 'complete'], {
    row: 6,
    fault: 'headers, then silence',
    expected: 'done',
    spoil: (rig, { target }) =>
      void rig.proxy.add({ direction: 'down', operation: target, which: 1 }, { toxic: 'stall', at: { body: 10 } }),
  }),
  ...places.flatMap((place) =>
    cellsFor(['get', 'zip', 'list'], {
      row: 7,
      fault: `reset at the ${place} byte of the answer`,
      expected: 'done',
      spoil: meets({ body: { cutAt: { share: { first: 0, half: 0.5, last: 0.999 }[place] }, how: 'reset' } }),
    }),
  ),
  ...places.flatMap((place) =>
    cellsFor(['put', 'parts', 'complete'], {
      row: 7,
      fault: `reset at the ${place} byte of the request`,
      expected: 'done',
      spoil(rig, { target }) {
        const bytes = { PutObject: 20_000, UploadPart: 8 * 2 ** 20, CompleteMultipartUpload: 100 }[
          target as 'PutObject'
        ]
        const toxic = { toxic: 'reset', at: { body: placeIn(place, bytes) } } as const
        rig.proxy.add({ direction: 'up', operation: target, which: 1 }, toxic)
      },
    }),
  ),
  ...cellsFor(['get', 'zip', 'list'], {
    row: 8,
    fault: 'closed in the middle of an answer with a length',
    expected: 'done',
    spoil: meets({ body: { cutAt: { share: 0.5 }, how: 'close' } }),
  }),
  ...cellsFor(['get', 'zip', 'list'], {
    row: 9,
    fault: 'closed in the middle of an answer without a length',
    expected: 'done',
    spoil: meets({ body: { cutAt: { share: 0.5 }, how: 'close', lengthless: true } }),
  }),
  {
    row: 9,
    fault: 'a document closed in the middle, without a length',
    operation: 'state',
    expected: 'done',
    spoil: (rig) =>
      void rig.fake.inject('GetObject', 1, { body: { cutAt: { share: 0.5 }, how: 'close', lengthless: true } }),
  },
  ...cellsFor(['get', 'zip'], {
    row: 10,
    fault: 'replaced while it is read',
    expected: 'broken',
    spoil(rig, { requests }) {
      rig.fake.inject('GetObject', 1, { body: { cutAt: { share: 0.5 }, how: 'reset' } })
      // Before the rest is asked for.
      let asked = 0
      const stop = rig.proxy.watch((event, { operation }) => {
        if (event !== 'asked' || operation !== 'GetObject') return
        asked += 1
        if (asked !== requests + 1) return
        stop()
        for (const key of rig.fake.keys().filter((stored) => /files\/(subject\.bin|zip\/.)$/.test(stored))) {
          rig.fake.putDirectly(key, new Uint8Array(150_000))
        }
      })
    },
    also: (_, { answer }) => expect(answer.body.includes('PK\x05\x06'), 'an end of the archive').toBe(false),
  }),
]
