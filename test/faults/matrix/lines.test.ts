import { expect } from 'vitest'
import { type Cell, cellsFor, everyWork, meets, passes } from './cell.ts'
import { impatient } from './limits.ts'
import { type OperationName, reading, type Work, writing, zipOf } from './operations.ts'
import { runRows } from './run-rows.ts'

// Rows 27 to 29: lines that damage bytes, or take long for them.

const slowly = { toxic: 'bandwidth', bytesPerSecond: 5_000 } as const

/** What goes byte by byte is small, so that it takes no minutes. */
const smallWorks: Partial<Record<OperationName, Work>> = {
  put: writing(2_000, 'PutObject', 1),
  get: reading(3_000),
  zip: zipOf([1_000, 1_000, 1_000]),
}

const cells: readonly Cell[] = [
  ...cellsFor(['put', 'parts', 'state'], {
    row: 27,
    fault: 'one bit turned over on the way up',
    expected: 'done',
    spoil: passes('up', { toxic: 'flip', at: { body: 123 } }),
  }),
  {
    row: 27,
    fault: 'one bit turned over on the way down',
    operation: 'get',
    expected: 'reset',
    damaged: true,
    spoil: meets({ body: { flipByteAt: 123_456 } }),
  },
  {
    row: 27,
    fault: 'one bit turned over on the way down',
    operation: 'zip',
    // A small object of an archive is read at once, and checked before a byte of it is sent.
    expected: 'done',
    spoil: meets({ body: { flipByteAt: 123_456 } }),
  },
  {
    row: 27,
    fault: 'one bit of a document turned over on the way down',
    operation: 'state',
    expected: 'done',
    spoil: (rig) => void rig.fake.inject('GetObject', 1, { body: { flipByteAt: 40 } }),
    also: (rig) => expect(rig.told).toContainEqual(expect.objectContaining({ event: 'body-failed', resumed: true })),
  },
  ...cellsFor(['put', 'parts'], {
    row: 28,
    fault: '5 KB/s on the way up',
    settings: impatient,
    expected: 'unavailable',
    spoil: passes('up', slowly, 'every'),
  }),
  ...(['get', 'zip'] as const).map(
    (operation): Cell => ({
      row: 28,
      fault: '5 KB/s on the way down',
      operation,
      settings: impatient,
      // Below the floor of 8 KiB/s: asked for anew, and then given up. A zip waits for its first object before it begins.
      expected: operation === 'zip' ? 'unavailable' : ['reset', 'unavailable'],
      spoil: passes('down', slowly, 'every'),
    }),
  ),
  ...everyWork.map((operation): Cell => {
    const work = smallWorks[operation]
    return {
      row: 29,
      fault: 'byte by byte, late, and slow to close',
      operation,
      ...(work && { work }),
      expected: 'done',
      spoil(rig, of) {
        for (const direction of ['up', 'down'] as const) {
          // A part has millions of bytes.
          const pieceBytes = direction === 'up' && of.target === 'UploadPart' ? 100_000 : 1
          passes(direction, { toxic: 'slicer', pieceBytes, delayMs: 0 }, 'every')(rig, of)
          passes(direction, { toxic: 'latency', delayMs: 0, jitterMs: 100 }, 'every')(rig, of)
          passes(direction, { toxic: 'slow-close', delayMs: 20 }, 'every')(rig, of)
        }
      },
    }
  }),
]

runRows(cells)
