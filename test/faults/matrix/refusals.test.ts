import { expect } from 'vitest'
import { s3Error } from '../fake-s3/fault-answers.ts'
import { type Cell, cellsFor, everyWork, meets, spoiled, writes } from './cell.ts'
import { ask, askJson } from './http-client.ts'
import { type OperationName, objectUrl, put } from './operations.ts'
import type { Rig } from './rig.ts'
import { runRows } from './run-rows.ts'

// Rows 19 to 21, 24, 25 and 35: the store refuses, for a good reason or for none.

const MiB = 2 ** 20
const twoHoursMs = 2 * 60 * 60_000

const partsFreed = (rig: Rig) => expect(rig.fake.openUploads(), 'parts that were freed').toEqual([])

const deniedCell = (operation: OperationName, code: string): Cell => ({
  row: 20,
  fault: `403 ${code}`,
  operation,
  // An archive's first object is waited for before its answer begins.
  expected: 502,
  spoil: meets({ when: 'before-commit', answer: s3Error(403, code) }, 'every'),
  requestsMax: { parts: 2, zip: 3 }[operation as string] ?? 1,
  also(rig, { answer }) {
    expect(answer.body.toString()).toContain('store-denied')
    expect(rig.told, 'one attempt').not.toContainEqual(expect.objectContaining({ event: 'retry' }))
    for (const { data, meta, list } of Object.values(rig.health())) {
      expect([data.circuit, meta.circuit, list.circuit]).toEqual(['closed', 'closed', 'closed'])
    }
  },
})

const cells: readonly Cell[] = [
  ...([1, 'every'] as const).flatMap((times) =>
    cellsFor(['complete', 'get'], {
      row: 19,
      fault: times === 1 ? 'a HEAD that is denied' : 'HEADs that are always denied',
      expected: 'done',
      spoil: (rig) => void rig.fake.inject('HeadObject', times, { when: 'before-commit', answer: { status: 403 } }),
      requestsMax: 8,
      also({ fake }) {
        // One byte is asked for in place of each.
        const denied = fake.requests.filter(({ operation, fault }) => operation === 'HeadObject' && fault !== undefined)
        const bytes = fake.requests.filter(({ headers }) => headers.range === 'bytes=0-0')
        expect(bytes.length > 0).toBe(denied.length > 0)
      },
    }),
  ),
  ...everyWork.map((operation) => deniedCell(operation, 'AccessDenied')),
  // Bad keys.
  ...everyWork.flatMap((operation) =>
    ['InvalidAccessKeyId', 'SignatureDoesNotMatch'].map((code) => deniedCell(operation, code)),
  ),
  {
    row: 21,
    fault: 'absent objects as 400',
    operation: 'get',
    expected: 'done',
    quirks: { absent: 'InvalidArgument' },
    spoil: () => {},
    also: async (rig) => expect((await ask(objectUrl(rig, 'files/absent'))).status).toBe(404),
  },
  {
    row: 21,
    fault: 'absent documents as 400',
    operation: 'state',
    expected: 'done',
    quirks: { absent: 'InvalidArgument' },
    spoil: () => {},
    also: async (rig) => expect((await ask(`${rig.origin}/v1/processes/none`)).status).toBe(404),
  },
  ...cellsFor(writes, {
    row: 24,
    fault: 'no space left',
    expected: 507,
    spoil: meets({ when: 'before-commit', answer: s3Error(507, 'InsufficientStorage') }, 'every'),
    also: partsFreed,
  }),
  {
    row: 24,
    fault: 'no space left for the second part',
    operation: 'parts',
    expected: 507,
    spoil: (rig) =>
      void rig.fake.inject('UploadPart', (nth) => nth > 1, {
        when: 'before-commit',
        answer: s3Error(507, 'InsufficientStorage'),
      }),
    also: partsFreed,
  },
  {
    row: 25,
    fault: 'bodies above 100 MB are refused on their way',
    operation: 'parts',
    expected: 'done',
    profile: 'runpod',
    // What else RunPod does is in other rows.
    quirks: { completeGoesOn: undefined, headDeniedEvery: 0 },
    spoil: () => {},
    async also(rig) {
      const { status } = await put(rig, 'files/large.bin', rig.random.bytes(40 * MiB))
      expect(status).toBe(201)
      const sizes = rig.fake.requests
        .filter(({ operation }) => operation === 'UploadPart')
        .map(({ headers }) => Number(headers['content-length']))
      expect(Math.max(...sizes)).toBeLessThanOrEqual(95 * MiB)
      expect(sizes.filter((size) => size >= 16 * MiB).length).toBeGreaterThanOrEqual(2)
    },
    requestsMax: 99,
  },
  ...[-twoHoursMs, twoHoursMs].flatMap((clockOffMs) =>
    cellsFor(everyWork, {
      row: 35,
      fault: `the store's clock is two hours ${clockOffMs > 0 ? 'ahead' : 'behind'}`,
      expected: 'done',
      // Browsers are sent to us.
      profile: 'generic',
      clockOffMs,
      spoil: () => {},
      async also(rig, { expected, url }) {
        // Those who asked before the first refusal came, and nobody after.
        const refused = rig.fake.requests.map(({ status }) => status === 403)
        expect(refused.lastIndexOf(true), 'a clock that was put right once').toBeLessThan(40)
        if (expected === undefined || url !== undefined) return
        // Links are judged by our clock.
        const made = await askJson(`${rig.origin}/v1/links`, 'POST', {
          keys: ['files/subject.bin'],
          expiresInSeconds: 60,
        })
        const [link] = made.json.links as { url: string }[]
        expect((await ask(link?.url ?? '')).body.equals(Buffer.from(expected))).toBe(true)
      },
    }),
  ),
  ...cellsFor(everyWork, {
    row: 35,
    fault: 'the clock is wrong for ever',
    // Our contract has 503 for it: the next request may be signed by a clock that was set.
    expected: 'unavailable',
    spoil: (rig, work) =>
      void rig.fake.inject(work.target, spoiled('every'), {
        when: 'before-commit',
        answer: s3Error(403, 'RequestTimeTooSkewed'),
      }),
    also: (rig) => {
      const again = rig.told.filter(({ event }) => event === 'retry')
      // Once more for each of the requests that are sent side by side, and for the first of each kind.
      expect(again.length, 'put right once').toBeLessThanOrEqual(4)
    },
  }),
]

runRows(cells)
