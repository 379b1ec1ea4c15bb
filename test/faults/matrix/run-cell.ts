import { expect } from 'vitest'
import { seedFor } from '../random.ts'
import { type Cell, type Expected, requestsMaxOf } from './cell.ts'
import { demandInvariants, demandNothingHeld, demandSilentLog } from './invariants.ts'
import { longestMs } from './limits.ts'
import { type Performed, works } from './operations.ts'
import { type Rig, startRig } from './rig.ts'

export const cellName = ({ row, fault, operation }: Cell): string => `${row} ${operation}: ${fault}`

/** The whole life of one cell: its own store, line and service; spoiled, asked and looked at. */
export async function runCell(cell: Cell, seed: number): Promise<void> {
  const own = seedFor(seed, cellName(cell))
  const work = cell.work ?? works[cell.operation]
  const { clockOffMs = 0 } = cell
  const rig = await startRig({
    profile: cell.profile ?? 'aws',
    seed: own,
    ...(cell.quirks && { quirks: cell.quirks }),
    ...(cell.settings && { settings: cell.settings }),
    byName: cell.byName === true,
    ...(clockOffMs !== 0 && { nowMs: () => Date.now() + clockOffMs }),
  })
  try {
    await cell.before?.(rig, work)
    const perform = await work.prepare(rig)
    await cell.spoil(rig, work)
    const toldBefore = rig.told.length
    const [before, beforeInAll] = [rig.fake.count(work.target), rig.fake.count()]
    const performed = await perform()
    const bounds = {
      requests: rig.fake.count(work.target) - before,
      requestsInAll: rig.fake.count() - beforeInAll,
      requestsMax: requestsMaxOf(cell, work),
      longestMs: longestMs(cell.operation, cell.settings),
      toldBefore,
      damaged: cell.damaged === true,
    }
    demandExpected(cell.expected, performed)
    await demandInvariants(rig, performed, bounds)
    if (cell.also === undefined) return
    await cell.also(rig, performed)
    await demandNothingHeld(rig)
    demandSilentLog(rig)
  } catch (error) {
    if (error instanceof Error) error.message += `\n${courseOf(rig)}`
    throw error
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
    if (one === 'left') return ending !== 'clean'
    if (one === 'reset') return status === 200 && ending === 'broken'
    if (one === 'broken') return ending !== 'clean' || status >= 400
    return one.some(is)
  }
  expect(is(expected), `expected ${expected}, and it was ${seen}`).toBe(true)
}

const lastMax = 60

/** What came to the store last, and what was told of it: to find out why a cell fails. */
function courseOf({ fake, told }: Rig): string {
  const requests = fake.requests.map(
    ({ operation, status, fault }) => `${operation} ${status ?? 'no answer'}${fault === undefined ? '' : ' spoiled'}`,
  )
  const events = told.map((event) => JSON.stringify(event))
  const last = (of: string, all: readonly string[]) => `${of}:\n  ${all.slice(-lastMax).join('\n  ')}`
  return `${last('requests', requests)}\n${last('events', events)}`
}
