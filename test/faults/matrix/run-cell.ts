import { expect } from 'vitest'
import { seedFor } from '../random.ts'
import { type Cell, type Expected, requestsMaxOf } from './cell.ts'
import { demandInvariants } from './invariants.ts'
import { type Performed, works } from './operations.ts'
import { startRig } from './rig.ts'

export const cellName = ({ row, fault, operation }: Cell): string => `${row} ${operation}: ${fault}`

/** The whole life of one cell: its own store, line and service; spoiled, asked and looked at. */
export async function runCell(cell: Cell, seed: number): Promise<void> {
  const own = seedFor(seed, cellName(cell))
  const work = works[cell.operation]
  const { clockOffMs = 0 } = cell
  const rig = await startRig({
    profile: cell.profile ?? 'aws',
    seed: own,
    ...(cell.quirks && { quirks: cell.quirks }),
    byName: cell.byName === true,
    ...(clockOffMs !== 0 && { nowMs: () => Date.now() + clockOffMs }),
  })
  try {
    await cell.before?.(rig, work)
    const perform = await work.prepare(rig)
    await cell.spoil(rig, work)
    const before = rig.fake.count(work.target)
    const performed = await perform()
    const requests = rig.fake.count(work.target) - before
    demandExpected(cell.expected, performed)
    await demandInvariants(rig, performed, {
      requests,
      requestsMax: requestsMaxOf(cell, work),
      damaged: cell.damaged === true,
    })
    await cell.also?.(rig, performed)
  } finally {
    await rig.stop()
  }
}

function demandExpected(expected: Expected, { answer }: Performed): void {
  const { status, ending } = answer
  const seen = `${status} ${ending}: ${answer.body.subarray(0, 300)}`
  const is = (one: Expected): boolean => {
    if (typeof one === 'number') return status === one
    if (one === 'done') return status >= 200 && status < 300 && ending === 'clean'
    if (one === 'unavailable') return status === 503 && Number(answer.headers['retry-after']) >= 1
    if (one === 'broken') return ending !== 'clean' || status >= 400
    return one.some(is)
  }
  expect(is(expected), `expected ${expected}, and it was ${seen}`).toBe(true)
}
