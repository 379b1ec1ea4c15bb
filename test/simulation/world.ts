import { setImmediate } from 'node:timers'

/** Time that stands still while anybody computes, and then jumps to what happens next. */
export interface World {
  nowMs(): number
  /** Calls `happen` after `delayMs`. What happens at one time happens in the order in which it was asked for. */
  after(delayMs: number, happen: () => void): void
  sleep(durationMs: number): Promise<void>
  /** Lets things happen until nothing more is to come before `untilMs`. */
  run(untilMs: number): Promise<void>
}

interface Happening {
  readonly atMs: number
  readonly order: number
  readonly happen: () => void
}

export function createWorld(startMs: number): World {
  let nowMs = startMs
  let order = 0
  const heap: Happening[] = []
  const before = (a: Happening, b: Happening) => (a.atMs === b.atMs ? a.order < b.order : a.atMs < b.atMs)

  const push = (one: Happening) => {
    let i = heap.push(one) - 1
    for (let parent = (i - 1) >> 1; i > 0; i = parent, parent = (i - 1) >> 1) {
      const above = heap[parent] as Happening
      if (!before(one, above)) break
      heap[i] = above
      heap[parent] = one
    }
  }
  const pop = (): Happening | undefined => {
    const first = heap[0]
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return first
    let i = 0
    for (;;) {
      const [left, right] = [2 * i + 1, 2 * i + 2]
      let least = left
      if (right < heap.length && before(heap[right] as Happening, heap[left] as Happening)) least = right
      if (least >= heap.length || before(last, heap[least] as Happening)) break
      heap[i] = heap[least] as Happening
      i = least
    }
    heap[i] = last
    return first
  }

  const world: World = {
    nowMs: () => nowMs,
    after(delayMs, happen) {
      order += 1
      push({ atMs: nowMs + delayMs, order, happen })
    },
    sleep: (durationMs) => new Promise((resolve) => world.after(durationMs, resolve)),
    async run(untilMs) {
      for (;;) {
        // Everything that is ready to compute has computed: promises first, and then this.
        await new Promise((resolve) => setImmediate(resolve))
        const next = heap[0]
        if (next === undefined || next.atMs > untilMs) break
        pop()
        nowMs = next.atMs
        next.happen()
      }
      nowMs = untilMs
    },
  }
  return world
}
