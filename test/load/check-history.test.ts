import { describe, expect, it } from 'vitest'
import { checkHistory, type Sync } from './check-history.ts'
import { type Call, finalReader, type Seen, type Verb } from './history.ts'

const id = 'p1'

/** Two attempts of one process and one that is deleted, all as it should be. Each call begins when the one before has ended. */
function goodHistory(): Call[] {
  let now = 0
  const at = (verb: Verb, more: Partial<Call>): Call => {
    now += 10
    return {
      ...{ client: 'user', instance: 0, verb, id, operationId: '', result: 'applied', httpStatus: 200 },
      ...{ invokedMs: now, returnedMs: now + 5 },
      ...more,
    }
  }
  const seen = (version: number, more: Partial<Seen> = {}): Seen => ({
    ...{ version, attempt: 1, worker: null, status: 'queued', liveness: 'none', cancelRequested: false, step: 0 },
    ...{ sync: 'cas', rivals: [] },
    ...more,
  })
  const said = (version: number, worker: string, attempt: number, seq: number): Partial<Call> => ({
    ...{ client: worker, worker, attempt, seq, operationId: `report:${attempt}:${worker}:${seq}` },
    seen: { version, attempt, worker, cancelRequested: false },
  })
  const a = { worker: 'a', status: 'running', liveness: 'alive' }
  const b = { worker: 'b', attempt: 2, liveness: 'alive' }
  const end = seen(8, { ...b, status: 'completed', liveness: 'none', step: 1 })
  const last = (n: number, verb: Verb, more: Partial<Call>): Call =>
    at(verb, { client: `${finalReader}-${n}`, result: 'read', ...more })
  return [
    at('create', { operationId: 'create:1', httpStatus: 201, seen: seen(1) }),
    at('create', { id: 'p2', operationId: 'create:2', httpStatus: 201, seen: seen(1) }),
    at('claim', { client: 'a', worker: 'a', operationId: 'claim:a', seen: seen(2, { ...a, status: 'starting' }) }),
    at('report', said(3, 'a', 1, 1)),
    at('read', { client: 'reader', result: 'read', seen: seen(3, { ...a, step: 1 }) }),
    at('report', { ...said(4, 'a', 1, 2), result: 'unknown', seen: undefined }),
    at('report', said(4, 'a', 1, 2)),
    at('read', {
      client: 'reader',
      result: 'read',
      seen: seen(4, { ...a, status: 'failed', liveness: 'none', step: 2 }),
    }),
    at('retry', { operationId: 'retry:1', seen: seen(5, { attempt: 2 }) }),
    at('claim', { client: 'b', worker: 'b', operationId: 'claim:b', seen: seen(6, { ...b, status: 'starting' }) }),
    at('report', {
      ...said(6, 'a', 1, 3),
      result: 'rejected',
      code: 'fenced',
      httpStatus: 409,
      seen: undefined,
    }),
    at('cancel', { operationId: 'cancel:1', seen: seen(7, { ...b, status: 'starting', cancelRequested: true }) }),
    at('report', { ...said(8, 'b', 2, 1), seen: { version: 8, attempt: 2, worker: 'b', cancelRequested: true } }),
    at('cancel', { id: 'p2', operationId: 'cancel:2', seen: seen(2, { status: 'cancelled', cancelRequested: true }) }),
    at('follow', {
      client: 'follower',
      id: 'p2',
      result: 'read',
      seen: seen(2, { status: 'cancelled', cancelRequested: true }),
    }),
    at('delete', { id: 'p2', operationId: 'delete:p2', httpStatus: 204 }),
    at('follow', { client: 'follower', id: 'p2', result: 'absent' }),
    at('list', { client: 'reader', id: '', result: 'read', listed: { p1: { ...end, cancelRequested: true } } }),
    ...[0, 1].map((n) => last(n, 'list', { id: '', listed: { p1: { ...end, cancelRequested: true } } })),
    last(0, 'read', { seen: { ...end, cancelRequested: true } }),
    last(1, 'series', { attempt: 1, seqs: [1, 2] }),
    last(1, 'series', { attempt: 2, worker: 'b', seqs: [1] }),
    last(1, 'read', { id: 'p2', result: 'absent', httpStatus: 404 }),
  ]
}

interface Spoiled {
  readonly name: string
  readonly invariant: string
  readonly process?: string
  /** Which of the calls is another, and what. */
  readonly which: (call: Call) => boolean
  readonly change: (call: Call) => Partial<Call>
}

const isReport = (attempt: number, seq: number) => (call: Call) =>
  call.verb === 'report' && call.attempt === attempt && call.seq === seq && call.result === 'applied'
const isFinalRead = ({ client, verb, result }: Call) => client === 'final-0' && verb === 'read' && result === 'read'
const isRead = (version: number) => (call: Call) =>
  call.client === 'reader' && call.verb === 'read' && call.seen?.version === version
const sees =
  (more: Partial<Seen>) =>
  ({ seen }: Call): Partial<Call> => ({ seen: { ...(seen as Seen), ...more } })

const spoiled: readonly Spoiled[] = [
  {
    name: 'the point of an acknowledged report missing',
    invariant: 'I1',
    which: ({ verb, attempt }) => verb === 'series' && attempt === 1,
    change: () => ({ seqs: [1] }),
  },
  {
    name: 'a report written over: two operations that made one version',
    invariant: 'I1',
    which: isReport(1, 2),
    change: sees({ version: 3 }),
  },
  {
    name: 'the step of an acknowledged report undone',
    invariant: 'I1',
    which: isRead(3),
    change: sees({ step: 0 }),
  },
  { name: 'too few versions in the end', invariant: 'I1', which: isFinalRead, change: sees({ version: 6 }) },
  { name: 'more versions than operations', invariant: 'I2', which: isFinalRead, change: sees({ version: 10 }) },
  {
    name: 'a report applied twice',
    invariant: 'I2',
    which: ({ verb, result, seq }) => verb === 'report' && result === 'unknown' && seq === 2,
    change: () => ({ result: 'applied' }),
  },
  {
    name: 'a point that is there twice',
    invariant: 'I2',
    which: ({ verb, attempt }) => verb === 'series' && attempt === 2,
    change: () => ({ seqs: [1, 1] }),
  },
  {
    name: 'the point of a refused report',
    invariant: 'I3',
    which: ({ verb, attempt }) => verb === 'series' && attempt === 1,
    change: () => ({ seqs: [1, 2, 3] }),
  },
  {
    name: 'a claim that is given another process when it is repeated',
    invariant: 'I2',
    process: 'p2',
    which: ({ verb, id: of }) => verb === 'delete' && of === 'p2',
    change: () => ({ verb: 'claim', operationId: 'claim:a', seen: { version: 2 } }),
  },
  {
    name: 'a process that is finished going on',
    invariant: 'I7',
    which: isFinalRead,
    change: sees({ status: 'running' }),
  },
  {
    name: 'two holders of one attempt',
    invariant: 'I8',
    which: isReport(1, 2),
    change: ({ seen }) => ({ worker: 'c', seen: { ...(seen as Seen), worker: 'c' } }),
  },
  { name: 'an attempt before the present one', invariant: 'I8', which: isFinalRead, change: sees({ attempt: 1 }) },
  {
    name: 'a version that went back at another instance',
    invariant: 'I9',
    which: isRead(4),
    change: sees({ version: 3 }),
  },
  {
    name: 'a version that went back for one reader alone',
    invariant: 'I10',
    which: ({ verb }) => verb === 'follow',
    // Before anybody was told anything else, as events of one stream all are.
    change: () => ({ client: 'reader', id, invokedMs: 0, seen: { version: 2 } }),
  },
  {
    name: 'a process that is missing in a list',
    invariant: 'I11',
    which: ({ client, verb }) => client === 'reader' && verb === 'list',
    change: () => ({ listed: {} }),
  },
  {
    name: 'instances that disagree',
    invariant: 'I11',
    which: ({ client, verb }) => client === 'final-1' && verb === 'list',
    change: ({ listed = {} }) => ({ listed: { p1: { ...(listed.p1 as Seen), status: 'failed' } } }),
  },
  {
    name: 'an acknowledged process that is not found',
    invariant: 'I1',
    which: isRead(3),
    change: () => ({ result: 'absent', seen: undefined }),
  },
  {
    name: 'a worker called lost that has just spoken',
    invariant: 'I12',
    which: isRead(3),
    change: sees({ liveness: 'lost' }),
  },
  {
    name: 'a worker that is not told of a cancel',
    invariant: 'I13',
    which: isReport(2, 1),
    change: sees({ cancelRequested: false }),
  },
  {
    name: 'a deleted process that is read again',
    invariant: 'I15',
    process: 'p2',
    which: ({ client, id: of }) => client === 'final-1' && of === 'p2',
    change: () => ({ result: 'read', seen: { version: 2, attempt: 1 } }),
  },
  {
    name: 'a deleted process that is told to a follower again',
    invariant: 'I15',
    process: 'p2',
    which: ({ client, verb }) => client === 'reader' && verb === 'list',
    change: () => ({ client: 'follower', verb: 'follow', id: 'p2', invokedMs: 0, seen: { version: 2 } }),
  },
  { name: 'an answer of 500', invariant: 'status', which: isReport(1, 1), change: () => ({ httpStatus: 500 }) },
  {
    name: 'a store that decides and says it cannot',
    invariant: 'status',
    which: isFinalRead,
    change: sees({ sync: 'merge' }),
  },
]

const spoil = ({ which, change }: Spoiled): Call[] => {
  const calls = goodHistory()
  const place = calls.findIndex(which)
  const call = calls[place]
  if (call === undefined) throw new Error('nothing to spoil')
  calls[place] = { ...call, ...change(call) }
  return calls
}

describe('the checker of histories', () => {
  it('finds nothing where all is as it should be', () => {
    expect(checkHistory(goodHistory(), 'cas')).toEqual([])
  })

  it('takes a worker for lost that was silent while a slow answer was on its way', () => {
    const late: Call = {
      ...{ client: 'user', instance: 0, verb: 'read', id: 'p3', operationId: '', result: 'read', httpStatus: 200 },
      ...{ invokedMs: 200, returnedMs: 64_000, seen: { version: 2, attempt: 1, worker: 'd', liveness: 'lost' } },
    }
    const word: Call = { ...late, verb: 'claim', operationId: 'claim:d', worker: 'd', result: 'applied' }
    const spoken = { ...word, invokedMs: 100, returnedMs: 110, seen: { version: 2, attempt: 1, worker: 'd' } }
    expect(checkHistory([spoken, late], 'cas')).toEqual([])
    expect(checkHistory([spoken, { ...late, returnedMs: 50_000 }], 'cas')).toMatchObject([{ invariant: 'I12' }])
  })

  it('takes no version for the own one of an operation whose first answer was lost', () => {
    const [create, ...others] = goodHistory()
    if (create === undefined) throw new Error('nothing to lose')
    const lost: Call = { ...create, id: '', result: 'unknown', seen: undefined, invokedMs: 0, returnedMs: 1 }
    const claim = others.findIndex(({ verb }) => verb === 'claim')
    const told = { invokedMs: 31, returnedMs: 36, seen: others[claim]?.seen }
    expect(checkHistory([lost, ...others.toSpliced(claim + 1, 0, { ...create, ...told })], 'cas')).toEqual([])
  })

  it.each(spoiled)('catches $name', (one) => {
    const { invariant, process: of = id } = one
    expect(checkHistory(spoil(one), 'cas')).toContainEqual({ invariant, id: of, detail: expect.any(String) })
  })

  describe('where the store cannot decide', () => {
    const meeting = (rivals: readonly string[]): Call[] => {
      const calls = goodHistory().filter(({ id: of }) => of !== 'p2')
      const merged = calls.map((call): Call => {
        const { listed, seen } = call
        const merge = (one: Seen): Seen => ({ ...one, ...(one.sync !== undefined && { sync: 'merge', rivals }) })
        return {
          ...call,
          ...(seen !== undefined && { seen: merge(seen) }),
          ...(listed?.p1 !== undefined && { listed: { p1: merge(listed.p1) } }),
        }
      })
      const claim = merged.find(({ operationId }) => operationId === 'claim:b') as Call
      const second = { ...claim, client: 'c', worker: 'c', operationId: 'claim:c' }
      return merged.toSpliced(merged.indexOf(claim) + 1, 0, {
        ...second,
        seen: { ...(claim.seen as Seen), worker: 'c' },
      })
    }
    const violationsOf = (calls: Call[], sync: Sync) => checkHistory(calls, sync).map(({ invariant }) => invariant)

    it('takes two holders that are named', () => {
      expect(violationsOf(meeting(['b', 'c']), 'merge')).toEqual([])
    })

    it('catches two holders that are not', () => {
      expect(violationsOf(meeting([]), 'merge')).toContain('I8')
    })
  })
})
