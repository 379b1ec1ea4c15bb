import { expect, it } from 'vitest'
import { createIds } from '../../src/adapters/web-crypto/ids.ts'
import { runLoad } from '../load/run-load.ts'
import { server } from './server.ts'

const seed = Number(process.env.LOAD_SEED ?? 1)
const seconds = Number(process.env.LOAD_SECONDS ?? 10)

it(`three instances on ${server.name} keep every word that they acknowledged, also when they are killed`, async () => {
  await server.makeBucket()
  const env = { ...server.settings, S3_PREFIX: `load-${createIds().next()}` }
  // The contract demands that the server decides between writers.
  const store = { sync: 'cas', reach: { env }, stop: async () => {} } as const
  const { violations, kills } = await runLoad(store, { seed, seconds, kills: true })
  expect({ seed, violations }).toEqual({ seed, violations: [] })
  expect(kills).toBeGreaterThan(0)
})
