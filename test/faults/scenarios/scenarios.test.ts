import { describe, expect, it } from 'vitest'
import { type ProfileName, profiles } from '../fake-s3/profiles.ts'
import { scaled } from '../matrix/limits.ts'
import { runCuts } from './cuts.ts'
import { runLeaving } from './leaving.ts'
import { runJobOn } from './main-job.ts'
import { runOutage } from './outage.ts'

// Small here; `npm run test:faults` runs them as long as it is told to, and prints the figures.
const seed = Number(process.env.FAULT_SEED ?? 1)
const runs = Number(process.env.FAULT_RUNS ?? 2)

it('an outage is not made worse by retries, is noticed soon, and is over soon after it', {
  timeout: 60_000,
}, async () => {
  const figures = await runOutage({ outageMs: 3_000, callsPerSecond: 25, seed, settings: scaled })
  expect(figures.wrongAnswers).toBe(0)
  expect(figures.amplification).toBeLessThanOrEqual(1.1)
  expect(figures.fastFails).toBeGreaterThan(10)
  expect(figures.recoveryMs).toBeLessThan(20_000)
})

it('a download that is cut again and again is whole, or seen to be broken', { timeout: 60_000 }, async () => {
  const { byteEqual, downloads, ...figures } = await runCuts({ cuts: 60, seed })
  expect(figures).toEqual({ cuts: 60, cleanShortBodies: 0, wrongBodies: 0, broken: 0 })
  expect(byteEqual).toBe(downloads)
})

it('what clients leave behind is ended at the store', { timeout: 60_000 }, async () => {
  const { leftOver, medianMs } = await runLeaving({ clients: 5, seed })
  expect(leftOver).toBe(0)
  // A hang is told from slowness; how soon it is `npm run test:faults` prints.
  expect(medianMs).toBeLessThan(1_000)
})

describe('the main job', () => {
  it.each((Object.keys(profiles) as ProfileName[]).filter((profile) => profile !== 'runpod'))(
    'is done on %s',
    { timeout: 60_000 },
    async (profile) => {
      expect((await runJobOn(profile, { failureShare: 0, seed })).files).toBe(28)
    },
  )

  it.each(Array.from({ length: runs }, (_, run) => seed + run))(
    'is done on runpod, of whose calls one in twenty fails (seed %d)',
    { timeout: 120_000 },
    async (own) => {
      const { files, spoiled, requests } = await runJobOn('runpod', { failureShare: 0.05, seed: own })
      expect(files).toBe(28)
      expect(spoiled / requests).toBeGreaterThan(0.02)
    },
  )
})
