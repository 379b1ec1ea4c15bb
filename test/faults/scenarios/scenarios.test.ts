import { describe, expect, it } from 'vitest'
import { defaultSettings } from '../../../src/adapters/resilience/settings.ts'
import { type ProfileName, profiles } from '../fake-s3/profiles.ts'
import { scaled } from '../matrix/limits.ts'
import { runBrownout } from './brownout.ts'
import { runCuts } from './cuts.ts'
import { runLeaving } from './leaving.ts'
import { runJobOn } from './main-job.ts'
import { runOutage } from './outage.ts'
import { runSlowReaders } from './slow-readers.ts'

// Small here; `npm run test:faults` runs them as long as it is told to, and prints the figures.
const seed = Number(process.env.FAULT_SEED ?? 1)
const runs = Number(process.env.FAULT_RUNS ?? 1)
const outageSeconds = Number(process.env.FAULT_OUTAGE_SECONDS ?? 3)

it.each([503, 429] as const)(
  'an outage of %d is not made worse by retries, and is over soon after it',
  {
    timeout: 60_000,
  },
  async (status) => {
    const figures = await runOutage({
      outageMs: outageSeconds * 1000,
      callsPerSecond: 50,
      seed,
      settings: scaled,
      status,
    })
    expect(figures.wrongAnswers).toBe(0)
    expect(figures.amplification).toBeLessThanOrEqual(1.1)
    // Throttling alone opens no circuit.
    if (status === 503) expect(figures.fastFails).toBeGreaterThan(10)
    expect(figures.recoveryMs).toBeLessThan(20_000)
    expect(figures.socketsLeft).toBe(0)
  },
)

it('where half of all fails retries stay within their budget', { timeout: 60_000 }, async () => {
  const settings = { ...defaultSettings, ...scaled }
  const figures = await runBrownout({ forMs: outageSeconds * 1000, callsPerSecond: 50, seed, settings })
  expect(figures.retries).toBeLessThanOrEqual(figures.retriesMax)
  expect(figures.deniedRetries).toBeGreaterThan(0)
  expect(figures.succeeded).toBeGreaterThan(0)
})

it('a download that is cut again and again is whole, or seen to be broken', { timeout: 60_000 }, async () => {
  const { byteEqual, downloads, resumptions, refusals, ...figures } = await runCuts({ cuts: 60, seed })
  expect(figures).toEqual({ cuts: 60, cleanShortBodies: 0, wrongBodies: 0, broken: 0, socketsLeft: 0 })
  expect(byteEqual).toBe(downloads)
})

it('what clients leave behind is ended at the store', { timeout: 60_000 }, async () => {
  const { leftOver, medianMs } = await runLeaving({ clients: 5, seed })
  expect(leftOver).toBe(0)
  // A hang is told from slowness; how soon it is `npm run test:faults` prints.
  expect(medianMs).toBeLessThan(1_000)
})

it('two hundred clients that hardly read cost little memory each', { timeout: 60_000 }, async () => {
  const { eachMiB } = await runSlowReaders({ clients: 200, seed })
  expect(eachMiB).toBeLessThan(1)
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
