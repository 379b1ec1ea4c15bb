import type { Fault } from './fault.ts'
import { edgeTimeout, internalError, slowDown } from './fault-answers.ts'
import type { Operation } from './request.ts'

/**
 * Makes about `share` of all requests fail. What meets a request depends on the seed, its operation, its key and how often
 * that came before, and not on the order of requests: the same work meets the same faults, however it is interleaved.
 */
export function createRandomFaults({ share, seed }: { share: number; seed: number }) {
  const seen = new Map<string, number>()
  return (operation: Operation, key: string | undefined): Fault | undefined => {
    const name = `${operation} ${key ?? ''}`
    const nth = (seen.get(name) ?? 0) + 1
    seen.set(name, nth)
    const random = mulberry32(hash(`${seed} ${nth} ${name}`))
    if (operation === 'Preflight' || operation === 'Other' || random() >= share) return undefined
    return pick(operation, random)
  }
}

function pick(operation: Operation, random: () => number): Fault {
  const hasBody = operation === 'GetObject' || operation === 'ListObjectsV2' || operation === 'ListParts'
  const how = random() < 0.5 ? 'reset' : 'close'
  const faults: Fault[] = [
    { when: 'before-commit', answer: slowDown() },
    { when: 'before-commit', answer: internalError },
    { when: 'before-commit', drop: 'reset' },
    { when: 'after-commit', drop: 'reset' },
    { when: 'after-commit', answer: edgeTimeout },
    hasBody ? { body: { cutAt: { share: random() }, how } } : { when: 'after-commit', drop: how },
  ]
  return faults[Math.floor(random() * faults.length)] ?? { when: 'before-commit', answer: internalError }
}

/** Numbers from 0 up to, but without, 1; the same for the same seed. */
export function mulberry32(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let state = 0x811c9dc5
  for (let i = 0; i < text.length; i++) state = Math.imul(state ^ text.charCodeAt(i), 0x01000193)
  return state >>> 0
}
