import { expect } from 'vitest'
import { type Cell, cellsFor } from './cell.ts'
import { ask, askJson } from './http-client.ts'
import { allListed, demandOk, listedNames, type Performed, type Work, works } from './operations.ts'
import { prefix, type Rig } from './rig.ts'
import { runRows } from './run-rows.ts'

// Rows 26 and 36: answers in forms that S3 does not have.

const allNames = (_: Rig, { answer }: Performed) => expect(listedNames(answer)).toEqual(allListed)

/** Page after page, until there is none or one is refused. */
const pages: Work = {
  ...works.list,
  async prepare(rig) {
    await works.list.prepare(rig)
    return async () => {
      let cursor = ''
      for (let page = 0; ; page++) {
        const answer = await ask(`${rig.origin}/v1/objects?prefix=files/list/&limit=2${cursor}`)
        const { nextCursor } = JSON.parse(answer.body.toString()) as { nextCursor?: string | null }
        if (answer.status !== 200 || typeof nextCursor !== 'string' || page > 20) return { answer, written: [] }
        cursor = `&cursor=${encodeURIComponent(nextCursor)}`
      }
    }
  },
}

const standingStill = {
  status: 200,
  headers: { 'content-type': 'application/xml' },
  body: [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<ListBucketResult><Name>b</Name><KeyCount>0</KeyCount><IsTruncated>true</IsTruncated>',
    '<NextContinuationToken>the-same</NextContinuationToken></ListBucketResult>',
  ].join('\n'),
}

const cells: readonly Cell[] = [
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
      for (let page = 0; page < 20; page++) {
        const answer = await demandOk(await ask(`${rig.origin}/v1/objects?prefix=files/list/&limit=2${cursor}`))
        names.push(...listedNames(answer))
        const { nextCursor } = JSON.parse(answer.body.toString()) as { nextCursor?: string | null }
        if (typeof nextCursor !== 'string') break
        cursor = `&cursor=${encodeURIComponent(nextCursor)}`
      }
      expect(names).toEqual(allListed)
    },
    requestsMax: 40,
  },
  {
    row: 26,
    fault: 'the same token for ever',
    operation: 'list',
    work: pages,
    expected: 502,
    spoil: (rig) => void rig.fake.inject('ListObjectsV2', 'every', { when: 'before-commit', answer: standingStill }),
    // The first page, and three tries at the second.
    requestsMax: 4,
    async also(rig) {
      const made = await askJson(`${rig.origin}/v1/exports`, 'POST', { include: [{ prefix: 'files/list/' }] })
      expect(made.status, 'a listing that goes round in circles').toBe(502)
    },
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
  ...cellsFor(['get', 'zip', 'list', 'state'], {
    row: 36,
    fault: 'dates in UTC and XML without a namespace',
    expected: 'done',
    quirks: { lastModifiedZone: 'UTC', xmlNamespace: false },
    spoil: () => {},
  }),
  ...(
    [
      ['the connection', { cutAt: { share: 1 }, how: 'close', lengthless: true }],
      ['the last chunk', { chunked: true }],
    ] as const
  ).flatMap(([how, body]) =>
    cellsFor(['get', 'zip', 'list', 'state'], {
      row: 36,
      fault: `answers without a length, ended by ${how}`,
      expected: 'done',
      spoil(rig, { target }) {
        rig.fake.inject(target === 'PutObject' ? 'GetObject' : target, 'every', { body })
      },
    }),
  ),
]

runRows(cells)
