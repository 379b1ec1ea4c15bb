import { type CandidateName, floors, ours } from './candidates.ts'
import { type Dataset, datasetOf } from './origin/dataset.ts'

export interface Case {
  readonly name: string
  readonly title: string
  readonly latencyMs: number
  readonly dataset: Dataset
  /** For those that wait for each object in turn: as many as they get through in ten seconds. Rates are compared. */
  readonly fewer?: Dataset
  readonly without: readonly CandidateName[]
}

const MiB = 2 ** 20
const smallBytes = 20_000

export const cases: readonly Case[] = [
  {
    name: 'a0',
    title: '5,000 × 20 KB, a store that answers at once',
    latencyMs: 0,
    dataset: datasetOf(5_000, smallBytes),
    without: [],
  },
  {
    name: 'a20',
    title: '5,000 × 20 KB, a store that takes 20 ms to answer',
    latencyMs: 20,
    dataset: datasetOf(5_000, smallBytes),
    fewer: datasetOf(500, smallBytes),
    without: [],
  },
  {
    name: 'b',
    title: '4 × 256 MiB, a store that answers at once',
    latencyMs: 0,
    dataset: datasetOf(4, 256 * MiB),
    // It holds whole objects, which nobody would do with these.
    without: ['floor-ahead'],
  },
]

const readAhead: ReadonlySet<CandidateName> = new Set([ours, 'floor-ahead'])

/** What `candidate` is given of a case. */
export const datasetFor = ({ dataset, fewer }: Case, candidate: CandidateName): Dataset =>
  fewer === undefined || readAhead.has(candidate) ? dataset : fewer

export const isFloor = (candidate: CandidateName): boolean => (floors as readonly CandidateName[]).includes(candidate)
