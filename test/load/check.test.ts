import { expect, it } from 'vitest'
import { type Final, violationsOf } from './check.ts'
import type { Call, Shown } from './history.ts'

let nowMs = 0
/** One after the other, unless times are given. */
const call = (kind: Call['kind'], more: Partial<Call> = {}): Call => {
  nowMs += 10
  return {
    ...{ kind, client: 'c', id: 'p', invokedMs: nowMs, returnedMs: nowMs + 5, outcome: 'done', status: 200 },
    ...more,
  }
}
const shows = (version: number, more: Partial<Shown> = {}) => ({ shown: { version, ...more } })
const report = (seq: number, version: number, more: Partial<Call> = {}) =>
  call('report', { attempt: 1, worker: 'w', step: seq, ...shows(version), ...more })

const right = (): Call[] => [
  call('create', shows(1, { status: 'queued', attempt: 1 })),
  call('claim', { attempt: 1, worker: 'w', ...shows(2, { status: 'starting', attempt: 1 }) }),
  report(1, 3),
  report(1, 3, { duplicate: true }),
  call('read', shows(3, { status: 'running', attempt: 1, step: 1 })),
  report(2, 4, { outcome: 'unknown', status: 0 }),
  report(3, 5, { ends: 'completed' }),
  call('read', shows(5, { status: 'completed', attempt: 1, step: 3 })),
]
const end = (shown: Partial<Shown> = {}): Final =>
  new Map([['p', { version: 5, status: 'completed', attempt: 1, step: 3, ...shown }]])
const rules = (calls: Call[], ends: Final[] = [end(), end()], sync: 'cas' | 'merge' = 'cas') => [
  ...new Set(violationsOf(calls, ends, sync).map(({ rule }) => rule)),
]

it('finds nothing in a history where all is well', () => {
  expect(rules(right())).toEqual([])
})

it('finds an acknowledgement that was lost', () => {
  expect(rules(right(), [end({ version: 4, step: 2 })])).toEqual(['what was acknowledged is there'])
  expect(rules(right(), [new Map()])).toEqual(['what was made is there'])
})

it('finds a version that went back, though it comes right again', () => {
  expect(rules([...right(), call('read', shows(4))])).toEqual(['versions never go back'])
})

it('does not call a version old that was asked for before the new one was told', () => {
  const early = call('read', { ...shows(2), invokedMs: 0, returnedMs: nowMs + 1000 })
  expect(rules([...right(), early])).toEqual([])
})

it('finds two holders of one attempt, and with merge only those whom nobody is told of', () => {
  const calls = [...right(), call('claim', { attempt: 1, worker: 'v', ...shows(5) })]
  expect(rules(calls)).toContain('one holder for each attempt')
  expect(rules(calls, [end()], 'merge')).toEqual(['one holder for each attempt'])
  expect(rules(calls, [end({ conflicts: [{ attempt: 1, workers: ['w', 'v'] }] })], 'merge')).toEqual([])
})

it('finds what has ended and goes on', () => {
  expect(
    rules([...right(), call('read', shows(6, { status: 'running', attempt: 1 }))], [end({ version: 6 })]),
  ).toContain('what has ended stays ended')
  const calls = right()
  const retried = call('retry', shows(6, { status: 'queued', attempt: 2 }))
  expect(rules([...calls, retried], [end({ version: 6, status: 'queued', attempt: 2, step: 0 })])).toEqual([])
})

it('finds a process that comes back after it was deleted', () => {
  const deleted = [...right(), call('delete', { status: 204 })]
  expect(rules(deleted, [new Map()])).toEqual([])
  expect(rules(deleted)).toEqual(['what is deleted stays deleted'])
  expect(rules([...deleted, call('read', shows(5))], [new Map()])).toEqual(['what is deleted stays deleted'])
})

it('finds what was done twice', () => {
  expect(rules(right(), [end({ version: 8 })])).toEqual(['nothing is done twice'])
})

it('finds instances that disagree, and failures of ours', () => {
  expect(rules(right(), [end(), end({ step: 4 })])).toEqual(['all instances agree'])
  expect(rules([...right(), call('read', { outcome: 'unknown', status: 500 })])).toEqual(['no failure of ours'])
})
