import { combineCrc32 } from '../object/crc32-combine.ts'
import { intersection, type Span } from './span.ts'

/** Some bytes of an object, and their CRC-32. */
export interface ChecksummedRun extends Span {
  readonly crc32: number
}

/** What is known of one object: in order, apart from each other by at least a byte. */
export type ChecksummedRuns = readonly ChecksummedRun[]

/**
 * With `run`, joined to its neighbours. A run cannot be cut: of two that overlap the longer one stays, so that what is
 * known never shrinks. Pure.
 */
export function withRun(runs: ChecksummedRuns, run: ChecksummedRun): ChecksummedRuns {
  if (run.from >= run.to) return runs
  const overlapping = runs.filter((other) => intersection(other, run) !== undefined)
  const lost = overlapping.reduce((bytes, { from, to }) => bytes + to - from, 0)
  if (overlapping.length > 0 && lost >= run.to - run.from) return runs
  const apart = runs.filter((other) => !overlapping.includes(other))
  const joined: ChecksummedRun[] = []
  for (const next of [...apart, run].sort((a, b) => a.from - b.from)) {
    const last = joined.at(-1)
    if (last?.to !== next.from) joined.push(next)
    else joined[joined.length - 1] = joinedRun(last, next)
  }
  return joined
}

/** The bytes of an object of `sizeBytes` that no run holds. */
export function gapsBetween(runs: ChecksummedRuns, sizeBytes: number): Span[] {
  const edges = [0, ...runs.flatMap(({ from, to }) => [from, to]), sizeBytes]
  const gaps: Span[] = []
  for (let i = 0; i < edges.length; i += 2) {
    const [from = 0, to = 0] = [edges[i], edges[i + 1]]
    if (from < to) gaps.push({ from, to })
  }
  return gaps
}

/** Of the whole object, where every byte is known. */
export function wholeCrc32(runs: ChecksummedRuns, sizeBytes: number): number | undefined {
  const [run] = runs
  return run?.from === 0 && run.to === sizeBytes ? run.crc32 : undefined
}

function joinedRun(first: ChecksummedRun, second: ChecksummedRun): ChecksummedRun {
  return {
    from: first.from,
    to: second.to,
    crc32: combineCrc32(first.crc32, second.crc32, second.to - second.from),
  }
}
