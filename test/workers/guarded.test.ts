import { exports } from 'cloudflare:workers'
import { expect, it } from 'vitest'

const call = async (path: string) => {
  const response = await exports.default.fetch(`http://worker.test${path}`)
  return response.status === 200 ? response.json() : response.status
}
const several = (count: number, path: string) => Promise.all(Array.from({ length: count }, () => call(path)))

it('requests wait for the places of other requests', async () => {
  expect(await call('/head')).toEqual({ found: null })
  expect(await several(6, '/head')).toEqual(Array.from({ length: 6 }, () => ({ found: null })))
  expect(await call('/health')).toMatchObject({ meta: { running: 0, waiting: 0 } })
})

it('requests wait for the circuit that other requests are trying', async () => {
  expect(await several(12, '/list?failing')).toEqual(Array.from({ length: 12 }, () => 503))
  expect(await call('/health')).toMatchObject({ list: { circuit: 'open' } })
  expect(await call('/list')).toBe(503)
  await new Promise((resolve) => setTimeout(resolve, 60))
  const page = { objects: [], prefixes: [] }
  expect(await several(8, '/list')).toEqual(Array.from({ length: 8 }, () => page))
  expect(await call('/health')).toMatchObject({ list: { circuit: 'closed' } })
})
