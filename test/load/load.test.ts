import { describe, expect, it, onTestFinished } from 'vitest'
import { runLoad } from './run-load.ts'
import { openStore } from './stores.ts'

// More of it by hand: npm run test:load -- --store folder --seconds 20 --kill.
const seed = Number(process.env.LOAD_SEED ?? 1)
const seconds = Number(process.env.LOAD_SECONDS ?? 3)
const timeout = 120_000 + seconds * 2_000

describe.each(['folder', 's3rver'] as const)('three instances on %s', (name) => {
  it('keep every word that they acknowledged, also when they are killed', { timeout }, async () => {
    const store = await openStore(name)
    if ('unavailable' in store) throw new Error(store.unavailable)
    onTestFinished(() => store.stop())
    const { calls, violations, kills } = await runLoad(store, { seed, seconds, kills: true })
    expect({ seed, violations }).toEqual({ seed, violations: [] })
    expect(calls.filter(({ result }) => result === 'applied').length).toBeGreaterThan(20)
    expect(kills).toBeGreaterThan(0)
  })
})
