import { describe, it } from 'vitest'
import { answerRows } from './rows-answers.ts'
import { clientRows } from './rows-clients.ts'
import { connectionRows } from './rows-connections.ts'
import { cellName, runCell } from './run-cell.ts'

// Every cell by itself: npm run test:faults -- --seed S --cell '7 get'
const runs = Number(process.env.FAULT_RUNS ?? 2)
const seed = Number(process.env.FAULT_SEED ?? 1)
const only = process.env.FAULT_CELL

const cells = [...connectionRows, ...answerRows, ...clientRows].filter(
  (cell) => only === undefined || cellName(cell).startsWith(only),
)

describe.concurrent.each(Array.from({ length: runs }, (_, run) => seed + run))('with the seed %d', (own) => {
  for (const cell of cells) it.concurrent(cellName(cell), { timeout: 60_000 }, () => runCell(cell, own))
})
