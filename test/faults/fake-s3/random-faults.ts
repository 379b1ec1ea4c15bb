import { createRandom, type Random, seedFor } from '../random.ts'
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
    const random = createRandom(seedFor(seed, `${nth} ${name}`))
    if (operation === 'Preflight' || operation === 'Other' || random.fraction() >= share) return undefined
    return pick(operation, random)
  }
}

function pick(operation: Operation, random: Random): Fault {
  const hasBody = operation === 'GetObject' || operation === 'ListObjectsV2' || operation === 'ListParts'
  const how = random.pick<'reset' | 'close'>(['reset', 'close'])
  return random.pick<Fault>([
    { when: 'before-commit', answer: slowDown() },
    { when: 'before-commit', answer: internalError },
    { when: 'before-commit', drop: 'reset' },
    { when: 'after-commit', drop: 'reset' },
    { when: 'after-commit', answer: edgeTimeout },
    hasBody ? { body: { cutAt: { share: random.fraction() }, how } } : { when: 'after-commit', drop: how },
  ])
}
