import { expect } from 'vitest'
import { type Cell, cellsFor, everyWork, meets, writes } from './cell.ts'
import { ask, askJson } from './http-client.ts'
import { allListed, listedNames, type Performed } from './operations.ts'
import { prefix, type Rig } from './rig.ts'

const xml = (status: number, code: string, headers: Record<string, string> = {}) => ({
  status,
  headers: { 'content-type': 'application/xml', ...headers },
  body: `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${code}</Message></Error>`,
})
const page = (status: number) => ({
  status,
  headers: { 'content-type': 'text/html' },
  body: `<html><head><title>${status}</title></head><body><center><h1>${status}</h1></center><hr></body></html>`,
})
const edge = (status: number) => ({ status, headers: { 'content-type': 'text/plain' }, body: `error code: ${status}` })

const allNames = (_: Rig, { answer }: Performed) => expect(listedNames(answer)).toEqual(allListed)

export const answerRows: readonly Cell[] = [
  ...cellsFor(everyWork, {
    row: 11,
    fault: '503 SlowDown, Retry-After 1',
    expected: 'done',
    spoil: meets({ when: 'before-commit', answer: xml(503, 'SlowDown', { 'retry-after': '1' }) }),
    also: (_, { answer }) => expect(answer.durationMs).toBeGreaterThan(900),
  }),
  ...cellsFor(everyWork, {
    row: 12,
    fault: '429 for ever',
    expected: 'unavailable',
    spoil: meets({ when: 'before-commit', answer: xml(429, 'TooManyRequests') }, 'every'),
  }),
  ...[500, 502].flatMap((status) =>
    cellsFor(everyWork, {
      row: 13,
      fault: `${status} with a page, twice`,
      expected: 'done',
      spoil: meets({ when: 'before-commit', answer: page(status) }, 2),
    }),
  ),
  ...cellsFor(writes, {
    row: 14,
    fault: '524 after it was done',
    expected: 'done',
    spoil: meets({ when: 'after-commit', answer: edge(524) }),
  }),
  {
    row: 15,
    fault: '524 while the store goes on joining',
    operation: 'complete',
    expected: 'done',
    spoil: meets({ commitLater: { ms: 250 }, answer: edge(524) }),
  },
  ...(['before-commit', 'after-commit'] as const).map(
    (when): Cell => ({
      row: 16,
      fault: `200 with an error inside, ${when === 'after-commit' ? 'done' : 'not done'}`,
      operation: 'complete',
      expected: 'done',
      spoil: meets({ when, answer: xml(200, 'InternalError') }),
    }),
  ),
  {
    row: 17,
    fault: 'no such upload, because it is done',
    operation: 'complete',
    expected: 'done',
    spoil: meets({ when: 'after-commit', answer: xml(404, 'NoSuchUpload') }),
  },
  {
    row: 17,
    fault: 'no such upload, and nothing there',
    operation: 'complete',
    expected: 'unavailable',
    spoil: meets({ when: 'before-commit', answer: xml(404, 'NoSuchUpload') }, 'every'),
  },
  {
    row: 18,
    fault: 'old listings of parts after a lost answer',
    operation: 'complete',
    expected: 'done',
    quirks: { stalePartLists: 5 },
    spoil: meets({ when: 'after-commit', answer: edge(524) }),
    requestsMax: 1,
  },
  ...cellsFor(['complete', 'get'], {
    row: 19,
    fault: 'a HEAD that is denied once',
    expected: 'done',
    spoil: (rig) => void rig.fake.inject('HeadObject', 1, { when: 'before-commit', answer: { status: 403 } }),
  }),
  ...cellsFor(everyWork, {
    row: 20,
    fault: 'access denied',
    // Our contract has 502 `store-denied` for it. A zip has begun by then.
    expected: [502, 'broken'],
    spoil: meets({ when: 'before-commit', answer: xml(403, 'AccessDenied') }, 'every'),
    also(rig, { answer }) {
      if (answer.status !== 200) expect(answer.body.toString()).toContain('store-denied')
      for (const { data, meta, list } of Object.values(rig.health())) {
        expect([data.circuit, meta.circuit, list.circuit]).toEqual(['closed', 'closed', 'closed'])
      }
    },
  }),
  {
    row: 21,
    fault: 'absent objects as 400',
    operation: 'get',
    expected: 'done',
    quirks: { absent: 'InvalidArgument' },
    spoil: () => {},
    also: async (rig) => expect((await ask(`${rig.origin}/v1/objects/files/absent`)).status).toBe(404),
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
  {
    row: 22,
    fault: 'a condition that does not hold',
    operation: 'complete',
    expected: 'done',
    spoil: () => {},
    async also(rig) {
      const conditional = { method: 'PUT', body: rig.random.bytes(9 * 2 ** 20), headers: { 'if-none-match': '*' } }
      const { status } = await ask(`${rig.origin}/v1/objects/files/subject.bin`, conditional)
      expect(status).toBe(412)
      expect(rig.fake.openUploads()).toEqual([])
    },
    requestsMax: 2,
  },
  {
    row: 22,
    fault: '409 ConditionalRequestConflict twice',
    operation: 'state',
    expected: 'done',
    spoil: meets({ when: 'before-commit', answer: xml(409, 'ConditionalRequestConflict') }, 2),
  },
  {
    row: 23,
    fault: 'conditions are ignored, and a dozen reports at once',
    operation: 'state',
    expected: 'done',
    quirks: { conditionalPut: 'ignored', conditionalComplete: 'ignored', conditionalDelete: 'ignored' },
    spoil: () => {},
    requestsMax: 99,
    async also(rig) {
      const ids = Array.from({ length: 4 }, (_, i) => `racing-${i}`)
      for (const id of ids) await askJson(`${rig.origin}/v1/processes`, 'POST', { id, type: 'training' })
      const reports = ids.flatMap((id) =>
        [1, 2, 3].map((seq) => ({ id, report: { worker: 'rig', attempt: 1, seq, status: 'running', step: seq } })),
      )
      const answers = await Promise.all(
        reports.map(({ id, report }) => askJson(`${rig.origin}/v1/processes/${id}/reports`, 'POST', report)),
      )
      for (const id of ids) {
        const acknowledged = answers.filter((one, i) => reports[i]?.id === id && one.json.applied === true).length
        const stored = rig.fake.object(`${prefix}/processes/state/${id}.json`)
        const { version } = JSON.parse(Buffer.from(stored?.body ?? []).toString()) as { version: number }
        // Created, and one version for each report that was applied: none of them is lost.
        expect(version).toBe(1 + acknowledged)
      }
    },
  },
  ...cellsFor(writes, {
    row: 24,
    fault: 'no space left',
    expected: 507,
    spoil: meets({ when: 'before-commit', answer: xml(507, 'InsufficientStorage') }, 'every'),
    also: (rig) => expect(rig.fake.openUploads(), 'parts that were freed').toEqual([]),
  }),
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
      const { status } = await ask(`${rig.origin}/v1/objects/files/large.bin`, {
        method: 'PUT',
        body: rig.random.bytes(40 * 2 ** 20),
      })
      expect(status).toBe(201)
      const sizes = rig.fake.requests
        .filter(({ operation }) => operation === 'UploadPart')
        .map(({ headers }) => Number(headers['content-length']))
      expect(Math.max(...sizes)).toBeLessThanOrEqual(95 * 2 ** 20)
      expect(sizes.filter((size) => size >= 16 * 2 ** 20).length).toBeGreaterThanOrEqual(2)
    },
    requestsMax: 99,
  },
  {
    row: 26,
    fault: 'the same token once more',
    operation: 'list',
    expected: 'done',
    quirks: { repeatsFirstToken: true },
    spoil: () => {},
    also: async (rig) => {
      const names: string[] = []
      let cursor = ''
      for (let pages = 0; pages < 20; pages++) {
        const answer = await ask(`${rig.origin}/v1/objects?prefix=files/list/&limit=2${cursor}`)
        expect(answer.status).toBe(200)
        names.push(...listedNames(answer))
        const { nextCursor } = JSON.parse(answer.body.toString()) as { nextCursor?: string | null }
        if (nextCursor === undefined || nextCursor === null) break
        cursor = `&cursor=${encodeURIComponent(nextCursor)}`
      }
      expect(names).toEqual(allListed)
    },
    requestsMax: 40,
  },
  {
    row: 26,
    fault: 'the prefix is ignored, and folders and foreign keys are in the page',
    operation: 'list',
    expected: 'done',
    quirks: { listPrefix: 'ignored-without-delimiter', listsFolders: true, listsPartFiles: true },
    before(rig) {
      for (const key of ['aaa/foreign', `${prefix}/other/x`, 'zzz']) rig.fake.putDirectly(key, new Uint8Array(1))
    },
    spoil: () => {},
    also: allNames,
  },
  ...(['encoding-type', 'delimiter', 'trailing-slash'] as const).map(
    (form): Cell => ({
      row: 26,
      fault: `a listing with ${form} is refused`,
      operation: 'list',
      expected: 'done',
      quirks: { listRefuses: [form] },
      spoil: () => {},
      also: allNames,
      requestsMax: 20,
    }),
  ),
  ...cellsFor(['put', 'parts'], {
    row: 27,
    fault: 'one bit turned over on the way up',
    expected: 'done',
    spoil: (rig, { target }) =>
      void rig.proxy.add({ direction: 'up', operation: target, which: 1 }, { toxic: 'flip', at: { body: 1234 } }),
  }),
  {
    row: 27,
    fault: 'one bit turned over on the way down',
    operation: 'get',
    expected: 'broken',
    damaged: true,
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
]
