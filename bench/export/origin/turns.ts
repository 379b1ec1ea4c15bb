export type InTurn = <T>(work: () => Promise<T>) => Promise<T>

/** At most `atOnce` works are under way; the others begin in the order in which they came. */
export function createTurns(atOnce: number): InTurn {
  const waiting: (() => void)[] = []
  let underWay = 0
  return async (work) => {
    if (underWay < atOnce) underWay += 1
    else await new Promise<void>((resolve) => waiting.push(resolve))
    try {
      return await work()
    } finally {
      // The turn is handed on: were it given back, a work that comes now could take it too.
      const next = waiting.shift()
      if (next === undefined) underWay -= 1
      else next()
    }
  }
}
