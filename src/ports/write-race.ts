/** One of several writers that wanted the same key at once, each with a body of his own. */
export interface RacingWrite {
  readonly body: string
  /** `unsent`: it cannot have happened. `unknown`: the answer was lost, and it may have. */
  readonly outcome: 'applied' | 'rejected' | 'unknown' | 'unsent'
}

/**
 * What is wrong with how a store decided between `writes`, of which exactly one may win; `stored` is the body that is there
 * afterwards. `undefined`: one won, or nobody can tell because writers that did not get an answer may have been the one.
 */
export function raceFault(writes: readonly RacingWrite[], stored: string | undefined): string | undefined {
  const winners = writes.filter(({ outcome }) => outcome === 'applied')
  if (winners.length > 1) return `${winners.length} of ${writes.length} racing writers won`
  const [winner] = winners
  if (winner !== undefined) return stored === winner.body ? undefined : 'what the winner of a race wrote is not there'
  const unanswered = writes.some(({ outcome }) => outcome === 'unknown' || outcome === 'unsent')
  return unanswered ? undefined : `none of ${writes.length} racing writers won`
}
