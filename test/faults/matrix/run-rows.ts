import { describe, it, vi } from 'vitest'
import type { Cell } from './cell.ts'
import { cellName, runCell } from './run-cell.ts'

/** How often each cell is run, with one seed after the other. */
const runs = Number(process.env.FAULT_RUNS ?? 1)
const firstSeed = Number(process.env.FAULT_SEED ?? 1)
export const seeds: readonly number[] = Array.from({ length: runs }, (_, run) => firstSeed + run)

/** One cell, or several whose names begin so: npm run test:faults -- --seed S --cell '7 get' */
const only = process.env.FAULT_CELL
export const isWanted = (name: string): boolean => only === undefined || name.startsWith(only)

// Most of them wait for most of their time.
vi.setConfig({ maxConcurrency: 6 })

/** Cells are independent of each other: each has a store, a line and a service of its own. */
export function runRows(cells: readonly Cell[]): void {
  describe.concurrent.each(seeds)('with the seed %d', (seed) => {
    for (const cell of cells) {
      const name = cellName(cell)
      it.concurrent(name, { timeout: 60_000, skip: !isWanted(name) }, () => runCell(cell, seed))
    }
  })
}
