import { expect } from 'vitest'
import { type Cell, cellsFor, everyWork, joinedOnce, meets, writes } from './cell.ts'
import { impatient } from './limits.ts'
import { failLookups } from './name-server.ts'
import type { Performed, Work } from './operations.ts'
import type { Rig } from './rig.ts'
import { runRows } from './run-rows.ts'

// Rows 1 to 5: the store is not reached, or its answer is not.

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

/** The object was stored once when it was prepared and once by the work, and nothing lies about. */
const storedOnce = ({ fake }: Rig, { written }: Performed) => {
  for (const one of written) expect(fake.commits.filter(({ key }) => key === one.key)).toHaveLength(2)
  expect(fake.openUploads()).toEqual([])
}

const cells: readonly Cell[] = [
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
    also: storedOnce,
  }),
  ...joinedOnce(
    writes.map((operation) => ({
      row: 4,
      fault: 'done, then reset',
      operation,
      expected: 'done',
      spoil: meets({ when: 'after-commit', drop: 'reset' }),
      // A small object is put again, for it costs less than looking.
      ...(operation !== 'put' && { also: storedOnce }),
    })),
  ),
  ...cellsFor(everyWork, {
    row: 5,
    fault: 'no answer, not done',
    settings: impatient,
    expected: 'done',
    spoil: meets({ when: 'before-commit', hang: true }),
  }),
  ...cellsFor(everyWork, {
    row: 5,
    fault: 'never an answer, never done',
    settings: impatient,
    expected: 'unavailable',
    spoil: meets({ when: 'before-commit', hang: true }, 'every'),
  }),
  ...joinedOnce(
    cellsFor(writes, {
      row: 5,
      fault: 'no answer, done',
      settings: impatient,
      expected: 'done',
      spoil: meets({ when: 'after-commit', hang: true }),
    }),
  ),
]

runRows(cells)
