import { expect } from 'vitest'
import { s3Error } from '../fake-s3/fault-answers.ts'
import { type Cell, cellsFor, meets } from './cell.ts'
import { ask, askJson } from './http-client.ts'
import { demandOk, put, type Work } from './operations.ts'
import { prefix, type Rig } from './rig.ts'
import { runRows } from './run-rows.ts'
import { anotherWrites, documentsOf, eventsOf, stateOf } from './stored-state.ts'

// Rows 22 and 23: the store decides between writers, or does not.

const MiB = 2 ** 20

const ignored = { conditionalPut: 'ignored', conditionalComplete: 'ignored', conditionalDelete: 'ignored' } as const

/** Stores an object only where there is none, while somebody else puts one there just before the store decides. */
function raced(sizeBytes: number, target: Work['target']): Work {
  return {
    target,
    requests: 1,
    async prepare(rig) {
      const key = 'files/raced.bin'
      const [theirs, sent] = [rig.random.bytes(1_000), rig.random.bytes(sizeBytes)]
      rig.proxy.watch((event, exchange) => {
        if (event !== 'asked' || exchange.operation !== target) return
        rig.fake.putDirectly(`${prefix}/${key}`, theirs)
      })
      return async () => ({
        answer: await put(rig, key, sent, { 'if-none-match': '*' }),
        written: [{ key: `${prefix}/${key}`, before: theirs, sent }],
      })
    },
  }
}

const partsFreed = (rig: Rig) => expect(rig.fake.openUploads(), 'parts that were freed').toEqual([])

/**
 * Five reports each of ten processes, all at once, to all of these services. Every one that was applied is in the state,
 * and each service shows the same.
 */
async function race(
  rig: Rig,
  origins: readonly string[],
  demandState: (id: string, applied: readonly number[]) => void,
): Promise<void> {
  const ids = Array.from({ length: 10 }, (_, i) => `racing-${i}`)
  for (const id of ids) await demandOk(await askJson(`${rig.origin}/v1/processes`, 'POST', { id, type: 'training' }))
  const seqs = [1, 2, 3, 4, 5]
  const reports = ids.flatMap((id) => seqs.map((seq) => ({ id, seq })))
  const answers = await Promise.all(
    reports.map(({ id, seq }, i) =>
      askJson(`${origins[i % origins.length]}/v1/processes/${id}/reports`, 'POST', {
        ...{ worker: 'rig', attempt: 1, seq, status: 'running', step: seq },
      }),
    ),
  )
  for (const id of ids) {
    const applied = reports.filter((report, i) => report.id === id && answers[i]?.json.applied === true)
    const numbers = applied.map(({ seq }) => seq)
    demandState(id, numbers)
    const read = await Promise.all(origins.map((origin) => ask(`${origin}/v1/processes/${id}`)))
    for (const { body } of read) {
      expect(body.toString(), 'every service shows the same').toBe(read[0]?.body.toString())
      expect(JSON.parse(body.toString()).progress.step, 'I6: the last is shown').toBeGreaterThanOrEqual(
        Math.max(...numbers),
      )
    }
  }
}

/** The store decides: one version for each report, and with lost answers perhaps for one that nobody was told of. */
const demandVersions =
  (rig: Rig, { lossy = false } = {}) =>
  (id: string, applied: readonly number[]): void => {
    const state = stateOf(rig, id)
    // Created, and one version for each report that was applied.
    expect(state.version, 'I6: none is lost').toBeGreaterThanOrEqual(1 + applied.length)
    expect(state.version, 'I6: none is applied twice').toBeLessThanOrEqual(1 + (lossy ? 5 : applied.length))
    expect(state.lastSeq, 'I6: the last is there').toBeGreaterThanOrEqual(Math.max(...applied))
    expect(documentsOf(rig, id), 'I6: one winner for each version').toBe(state.version)
  }

/** The store does not decide: what each service was told is there, beside what the others were told. */
const demandEvents =
  (rig: Rig) =>
  (id: string, applied: readonly number[]): void => {
    const reports = eventsOf(rig, id).filter(({ kind }) => kind === 'report')
    expect(
      reports.map(({ seq }) => seq),
      'I6: none is lost',
    ).toEqual(expect.arrayContaining([...applied]))
  }

const cells: readonly Cell[] = [
  ...(
    [
      ['put', 20_000, 'PutObject'],
      ['complete', 9 * MiB, 'CompleteMultipartUpload'],
    ] as const
  ).map(
    ([operation, sizeBytes, target]): Cell => ({
      row: 22,
      fault: '412, because somebody was first',
      operation,
      expected: 412,
      work: raced(sizeBytes, target),
      spoil: () => {},
      requestsMax: 1,
      also: partsFreed,
    }),
  ),
  ...cellsFor(['complete', 'state'], {
    row: 22,
    fault: '409 ConditionalRequestConflict twice',
    expected: 'done',
    spoil: meets({ when: 'before-commit', answer: s3Error(409, 'ConditionalRequestConflict') }, 2),
  }),
  ...cellsFor(['complete', 'state'], {
    row: 22,
    fault: '409 ConditionalRequestConflict for ever',
    // Our contract has 409 for states that refuse; a store that does not decide is 503.
    expected: 'unavailable',
    spoil: meets({ when: 'before-commit', answer: s3Error(409, 'ConditionalRequestConflict') }, 'every'),
    // State is tried round after round for ten seconds, later once or twice in a second.
    requestsMax: 60,
    also: partsFreed,
  }),
  {
    row: 22,
    fault: '412, because somebody was first, and what he wrote holds',
    operation: 'state',
    expected: 'done',
    spoil: () => {},
    async also(rig) {
      const id = 'raced'
      await demandOk(await askJson(`${rig.origin}/v1/processes`, 'POST', { id, type: 'training' }))
      anotherWrites(rig, id, { name: 'theirs' })
      const report = { worker: 'ours', attempt: 1, seq: 1, status: 'running', step: 1 }
      await demandOk(await askJson(`${rig.origin}/v1/processes/${id}/reports`, 'POST', report))
      expect(stateOf(rig, id), 'ours on top of theirs').toMatchObject({ version: 3, name: 'theirs', step: 1 })
    },
    requestsMax: 8,
  },
  {
    row: 22,
    fault: '412 for ever',
    operation: 'state',
    expected: 'unavailable',
    spoil: meets({ when: 'before-commit', answer: s3Error(412, 'PreconditionFailed') }, 'every'),
    requestsMax: 60,
  },
  {
    row: 23,
    fault: 'conditions are ignored, and fifty reports at once',
    operation: 'state',
    expected: 'done',
    quirks: ignored,
    spoil: () => {},
    also: (rig) => race(rig, [rig.origin], demandEvents(rig)),
  },
  {
    row: 23,
    fault: 'conditions are ignored, and fifty reports at once to two services',
    operation: 'state',
    expected: 'done',
    quirks: ignored,
    spoil: () => {},
    also: async (rig) => race(rig, [rig.origin, await rig.another()], demandEvents(rig)),
  },
  {
    row: 23,
    fault: 'conditions are ignored, and two services give one attempt away at once',
    operation: 'state',
    expected: 'done',
    quirks: ignored,
    spoil: () => {},
    async also(rig) {
      const id = 'forked'
      await demandOk(await askJson(`${rig.origin}/v1/processes`, 'POST', { id, type: 'training' }))
      const owners = [
        { origin: rig.origin, worker: 'ours' },
        { origin: await rig.another(), worker: 'theirs' },
      ]
      const claimAtOnce = () =>
        Promise.all(
          owners.map(({ origin, worker }) => askJson(`${origin}/v1/processes/${id}/claim`, 'POST', { worker })),
        )
      let claims = await claimAtOnce()
      // Both may step back, rarely; then nobody holds it, and both may ask again.
      if (claims.every(({ status }) => status === 409)) claims = await claimAtOnce()
      const holders = owners.filter((_, i) => claims[i]?.status === 200).map(({ worker }) => worker)
      expect(holders.length, 'somebody holds it').toBeGreaterThanOrEqual(1)
      for (const { origin } of owners) {
        const { conflicts = [], worker } = JSON.parse((await ask(`${origin}/v1/processes/${id}`)).body.toString())
        // Both were told that they hold it: then everybody is told so.
        if (holders.length > 1) expect(conflicts[0]?.workers.sort()).toEqual([...holders].sort())
        else expect(worker).toBe(holders[0])
      }
    },
  },
  {
    row: 23,
    fault: 'conditions are kept, and fifty reports at once to two services',
    operation: 'state',
    expected: 'done',
    spoil: () => {},
    also: async (rig) => race(rig, [rig.origin, await rig.another()], demandVersions(rig)),
  },
  {
    row: 23,
    fault: 'every tenth answer to a report is lost, of fifty at once to two services',
    operation: 'state',
    expected: 'done',
    spoil: () => {},
    async also(rig) {
      const other = await rig.another()
      rig.fake.inject('PutObject', (nth) => nth % 10 === 0, { when: 'after-commit', drop: 'reset' })
      await race(rig, [rig.origin, other], demandVersions(rig, { lossy: true }))
    },
  },
]

runRows(cells)
