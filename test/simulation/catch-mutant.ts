import type { Mutant } from './mutants.ts'
import { simulate } from './simulate.ts'

export interface Caught {
  readonly seed: number
  readonly invariant: string
  readonly detail: string
}

/** The first seed from `first` on that shows what the mutant does wrong. */
export async function catchMutant(mutant: Mutant, first: number, seedsMax: number): Promise<Caught | undefined> {
  const { breaks, sync, changes } = mutant
  for (let seed = first; seed < first + seedsMax; seed++) {
    const { violations } = await simulate(seed, sync, changes)
    const found = violations.find(({ invariant }) => breaks.includes(invariant))
    if (found !== undefined) return { seed, invariant: found.invariant, detail: `${found.id} ${found.detail}`.trim() }
  }
  return undefined
}
