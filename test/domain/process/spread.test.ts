import fc from 'fast-check'
import { expect, it } from 'vitest'
import { spreadMs } from '../../../src/domain/process/ledger-deps.ts'

const fractions = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })

/** How often two who met overlap again, when each takes `tookMs` and waits as told. */
function meetAgain(round: number, tookMs: number, pairs: readonly (readonly [number, number])[]): number {
  const wait = (fraction: number) => spreadMs(round, tookMs, { fraction: () => fraction })
  return pairs.filter(([a, b]) => Math.abs(wait(a) - wait(b)) < tookMs).length / pairs.length
}

const grid = Array.from(
  { length: 10_000 },
  (_, i) => [((i % 100) + 0.5) / 100, (Math.floor(i / 100) + 0.5) / 100] as const,
)

it.each([1, 10, 100, 400])(
  'parts those who met after %d ms more surely each time, and nearly always by the third',
  (tookMs) => {
    const shares = [0, 1, 2].map((round) => meetAgain(round, tookMs, grid))
    expect(shares.toSorted((a, b) => b - a)).toEqual(shares)
    expect(shares.reduce((all, share) => all * share, 1)).toBeLessThan(0.05)
  },
)

it('keeps nobody waiting for more than four seconds', () => {
  fc.assert(
    fc.property(fc.nat(60), fc.nat(1e6), fractions, (round, tookMs, fraction) => {
      const waitMs = spreadMs(round, tookMs, { fraction: () => fraction })
      expect(waitMs).toBeGreaterThanOrEqual(0)
      expect(waitMs).toBeLessThanOrEqual(4_000)
    }),
  )
})
