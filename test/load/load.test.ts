import { expect, it } from 'vitest'
import { runLoad } from './run-load.ts'

const seed = Number(process.env.LOAD_SEED ?? 1)
const seconds = Number(process.env.LOAD_SECONDS ?? 3)

it.each(['folder', 's3rver'] as const)(
  'three instances that are killed now and then lose nothing that was acknowledged, on %s',
  { timeout: 120_000 },
  async (store) => {
    const run = await runLoad({ store, seconds, seed, kill: true })
    if ('unavailable' in run) throw new Error(run.unavailable)
    expect(run.sync).toBe(store === 'folder' ? 'cas' : 'merge')
    expect(run.violations).toEqual([])
    expect(run.calls.filter(({ kind, outcome }) => kind === 'report' && outcome === 'done').length).toBeGreaterThan(10)
  },
)
