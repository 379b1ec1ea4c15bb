import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { type Unstable_DevWorker, unstable_dev } from 'wrangler'

// In a workerd of its own, and not in the pool of test/workers: that one turns off what lets one request wake another.

let worker: Unstable_DevWorker
beforeAll(async () => {
  // Nothing of this needs the network.
  vi.stubEnv('WRANGLER_SEND_METRICS', 'false')
  vi.stubEnv('CLOUDFLARE_CF_FETCH_ENABLED', 'false')
  worker = await unstable_dev('test/adapters/resilience/guarded.worker.ts', {
    ip: '127.0.0.1',
    compatibilityDate: '2026-11-01',
    compatibilityFlags: ['nodejs_compat'],
    persist: false,
    logLevel: 'none',
    experimental: { disableExperimentalWarning: true },
  })
})
afterAll(() => worker?.stop())

const call = async (path: string) => {
  const response = await worker.fetch(path)
  const text = await response.text()
  return response.status === 200 ? JSON.parse(text) : response.status
}
const several = (count: number, path: string) => Promise.all(Array.from({ length: count }, () => call(path)))

it('a request waits for the place of another', async () => {
  expect(await call('/head')).toEqual({ found: null })
  expect(await several(6, '/head')).toEqual(Array.from({ length: 6 }, () => ({ found: null })))
  expect(await call('/health')).toMatchObject({ meta: { running: 0, waiting: 0 } })
})

it('a request is refused while others open and try the circuit, and served when they have closed it', async () => {
  expect(await several(12, '/list?failing')).toEqual(Array.from({ length: 12 }, () => 503))
  expect(await call('/health')).toMatchObject({ list: { circuit: 'open' } })
  await new Promise((resolve) => setTimeout(resolve, 250))
  const tried = await several(8, '/list')
  expect(tried.filter((answer) => answer === 503).length).toBeLessThanOrEqual(5)
  expect(await several(8, '/list')).toEqual(Array.from({ length: 8 }, () => ({ objects: [], prefixes: [] })))
  expect(await call('/health')).toMatchObject({ list: { circuit: 'closed', running: 0, waiting: 0 } })
})
