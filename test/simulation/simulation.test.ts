import { describe, expect, it } from 'vitest'
import { catchMutant } from './catch-mutant.ts'
import { jsonLines } from './history.ts'
import { loopWith, mutants } from './mutants.ts'
import { simulate } from './simulate.ts'

// More of it by hand: npm run simulate -- --seeds 1000.
const seeds = Number(process.env.SIMULATION_SEEDS ?? 12)
const first = Number(process.env.SIMULATION_SEED ?? 1)
const timeout = 60_000 + seeds * 2_000

describe.each(['cas', 'merge'] as const)('instances, workers and users on a store that fails (%s)', (mode) => {
  it(`keep every promise in ${seeds} runs`, { timeout }, async () => {
    for (let seed = first; seed < first + seeds; seed++) {
      const { violations } = await simulate(seed, mode)
      expect({ seed, violations }).toEqual({ seed, violations: [] })
    }
  })

  it('do the same again from the same seed', { timeout }, async () => {
    const [one, other] = [await simulate(first, mode), await simulate(first, mode)]
    expect(jsonLines(one.calls)).toBe(jsonLines(other.calls))
    expect(one.calls.length).toBeGreaterThan(100)
    expect(new Set(one.calls.map(({ result }) => result)).size).toBe(6)
  })
})

describe('the checker', () => {
  it.each(mutants)('catches a protocol that $name', { timeout: 120_000 }, async (mutant) => {
    expect(await catchMutant(mutant, 1, 200)).toMatchObject({ invariant: expect.stringMatching(/^I\d+$/) })
  })

  it('finds nothing in the loop of the mutants when it forgets nothing', { timeout }, async () => {
    for (let seed = first; seed < first + seeds; seed++) {
      const { violations } = await simulate(seed, 'cas', loopWith({}))
      expect({ seed, violations }).toEqual({ seed, violations: [] })
    }
  })
})
