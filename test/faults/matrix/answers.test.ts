import { expect } from 'vitest'
import { edgeTimeout, errorInside200, s3Error, slowDown } from '../fake-s3/fault-answers.ts'
import { type Cell, cellsFor, everyWork, joinedOnce, meets, writes } from './cell.ts'
import { runRows } from './run-rows.ts'

// Rows 11 to 18: answers that say "later", that are no answers of the store, or that are not true.

const page = (status: number) => ({
  status,
  headers: { 'content-type': 'text/html' },
  body: `<html><head><title>${status}</title></head><body><center><h1>${status}</h1></center><hr></body></html>`,
})
const noParts = {
  status: 200,
  headers: { 'content-type': 'application/xml' },
  body: '<?xml version="1.0" encoding="UTF-8"?>\n<ListPartsResult><IsTruncated>false</IsTruncated></ListPartsResult>',
}

const cells: readonly Cell[] = [
  ...everyWork.map(
    (operation): Cell => ({
      row: 11,
      fault: '503 SlowDown, Retry-After 1, twice',
      operation,
      expected: 'done',
      spoil: meets({ when: 'before-commit', answer: slowDown(1) }, 2),
      also(_, { answer }) {
        // Two parts, and two objects of an archive, are told off and waited for side by side.
        const waits = operation === 'parts' || operation === 'zip' ? 1 : 2
        expect(answer.durationMs).toBeGreaterThan(waits * 950)
      },
    }),
  ),
  ...cellsFor(everyWork, {
    row: 12,
    fault: '429 for ever',
    // Uploads are not kept: who puts an object sends all of it again.
    expected: 'unavailable',
    spoil: meets({ when: 'before-commit', answer: s3Error(429, 'TooManyRequests') }, 'every'),
    also: (rig) => expect(rig.fake.openUploads(), 'parts that were freed').toEqual([]),
  }),
  ...[500, 502].flatMap((status) =>
    cellsFor(everyWork, {
      row: 13,
      fault: `${status} with a page, twice`,
      expected: 'done',
      spoil: meets({ when: 'before-commit', answer: page(status) }, 2),
    }),
  ),
  ...joinedOnce(
    cellsFor(writes, {
      row: 14,
      fault: '524 after it was done',
      expected: 'done',
      spoil: meets({ when: 'after-commit', answer: edgeTimeout }),
    }),
  ),
  // Our contract has no 202 for it: the answer waits until the object is there.
  ...[250, 900].map(
    (ms): Cell => ({
      row: 15,
      fault: `524 while the store goes on joining for ${ms} ms`,
      operation: 'complete',
      expected: 'done',
      spoil: meets({ commitLater: { ms }, answer: edgeTimeout }),
    }),
  ),
  {
    row: 15,
    fault: '524, and it is joined after a look at the object and before one at the parts',
    operation: 'complete',
    expected: 'done',
    spoil(rig, work) {
      const late = { toxic: 'latency', delayMs: 900 } as const
      rig.proxy.add({ direction: 'up', operation: 'ListParts', which: 1 }, late)
      meets({ commitLater: { ms: 600 }, answer: edgeTimeout })(rig, work)
    },
    requestsMax: 1,
  },
  ...(['before-commit', 'after-commit'] as const).map(
    (when): Cell => ({
      row: 16,
      fault: `200 with an error inside, ${when === 'after-commit' ? 'done' : 'not done'}`,
      operation: 'complete',
      expected: 'done',
      spoil: meets({ when, answer: errorInside200 }),
      requestsMax: when === 'after-commit' ? 1 : 2,
    }),
  ),
  ...cellsFor(['parts', 'complete'], {
    row: 16,
    fault: 'acknowledged by the store, and not there',
    expected: ['done', 'unavailable', 502],
    spoil: meets({ loses: true }),
  }),
  {
    row: 16,
    fault: '200, and nothing is there',
    operation: 'complete',
    expected: 'unavailable',
    spoil: meets({ loses: true }, 'every'),
  },
  {
    row: 17,
    fault: 'no such upload, because it is done',
    operation: 'complete',
    expected: 'done',
    spoil: meets({ when: 'after-commit', answer: s3Error(404, 'NoSuchUpload') }),
    requestsMax: 1,
  },
  {
    row: 17,
    fault: 'no such upload, and nothing there',
    operation: 'complete',
    // Our contract has no 409 `upload_lost`: the upload is ours, and the client puts the object again.
    expected: 'unavailable',
    spoil: meets({ when: 'before-commit', answer: s3Error(404, 'NoSuchUpload') }, 'every'),
    requestsMax: 1,
  },
  {
    row: 18,
    fault: 'old listings of parts after a lost answer',
    operation: 'complete',
    expected: 'done',
    quirks: { stalePartLists: 5 },
    spoil: meets({ when: 'after-commit', answer: edgeTimeout }),
    requestsMax: 1,
  },
  {
    row: 18,
    fault: 'listings of parts that show none, and an answer that was lost before it was done',
    operation: 'complete',
    expected: 'done',
    spoil(rig, work) {
      rig.fake.inject('ListParts', 'every', { when: 'before-commit', answer: noParts })
      meets({ when: 'before-commit', answer: edgeTimeout })(rig, work)
    },
    requestsMax: 2,
  },
]

runRows(cells)
