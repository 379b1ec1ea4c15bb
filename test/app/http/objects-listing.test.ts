import { describe, expect, it } from 'vitest'
import { StoreUnavailable } from '../../../src/ports/errors.ts'
import { parseObjectKey } from '../../../src/ports/object-key.ts'
import { createService, type Service, unending } from '../memory-service.ts'
import { expectProblem } from '../problems.ts'

interface Listing {
  readonly objects: readonly { readonly key: string; readonly size: number; readonly etag: string }[]
  readonly prefixes: readonly string[]
  readonly nextCursor: string | null
}

const encoder = new TextEncoder()

async function seed(service: Service, keys: readonly string[]): Promise<void> {
  for (const key of keys) {
    const options = { contentType: 'text/plain', when: 'always', signal: unending } as const
    await service.store.put(parseObjectKey(key), encoder.encode(key), options)
  }
}

async function list(service: Service, query: Record<string, string> = {}): Promise<Listing> {
  const answer = await service.request(`/v1/objects?${new URLSearchParams(query)}`)
  expect(answer.status).toBe(200)
  return (await answer.json()) as Listing
}

const keysOf = ({ objects }: Listing) => objects.map(({ key }) => key)

/** Every page, and how many they were. */
async function listAll(service: Service, query: Record<string, string>) {
  const keys: string[] = []
  const prefixes: string[] = []
  let pages = 0
  let cursor: string | null | undefined
  while (cursor !== null) {
    const page = await list(service, { ...query, ...(cursor === undefined ? {} : { cursor }) })
    expect(page.objects.length + page.prefixes.length).toBeLessThanOrEqual(Number(query.limit ?? 1000))
    keys.push(...keysOf(page))
    prefixes.push(...page.prefixes)
    pages += 1
    cursor = page.nextCursor
  }
  return { keys, prefixes, pages }
}

const hidden = [
  'catalog/dataset/matt.json',
  'exports/e.json',
  'processes/state/p1.json',
  'records/r.json',
  'uploads/waiting/1/a.jpg',
]
const visible = [
  'dataset/matt/a.jpg',
  'dataset/matt/a.txt',
  'dataset/mattea/b.jpg',
  'files/deep/er/x.bin',
  'files/deeper.bin',
  'files/x.bin',
  'results/p1/lora/m.safetensors',
]

async function seeded() {
  const service = createService()
  await seed(service, [...visible, ...hidden])
  return service
}

describe('GET /v1/objects', () => {
  it('lists what users may see, in key order, and nothing of our own', async () => {
    const page = await list(await seeded())
    expect(keysOf(page)).toEqual(visible)
    expect(page.prefixes).toEqual([])
    expect(page.nextCursor).toBeNull()
    expect(page.objects[0]).toEqual({
      key: 'dataset/matt/a.jpg',
      size: 18,
      etag: expect.any(String),
      lastModified: '2026-03-01T12:00:00.000Z',
    })
  })

  it.each([
    ['dataset/matt', ['dataset/matt/a.jpg', 'dataset/matt/a.txt', 'dataset/mattea/b.jpg']],
    ['dataset/matt/', ['dataset/matt/a.jpg', 'dataset/matt/a.txt']],
    ['dataset/matt/a.t', ['dataset/matt/a.txt']],
    ['files/deep', ['files/deep/er/x.bin', 'files/deeper.bin']],
    ['fil', ['files/deep/er/x.bin', 'files/deeper.bin', 'files/x.bin']],
    ['results/p1/lora/m.safetensors', ['results/p1/lora/m.safetensors']],
    ['nothing/', []],
    ['catalog/', []],
    ['processes/state/', []],
    ['c', []],
    ['/', []],
    ['dataset/../catalog/', []],
  ])('lists below the prefix %j, which may end inside of a name', async (prefix, expected) => {
    expect(keysOf(await list(await seeded(), { prefix }))).toEqual(expected)
  })

  it.each([
    ['', [], ['dataset/', 'files/', 'results/']],
    ['da', [], ['dataset/']],
    ['dataset', [], ['dataset/']],
    ['dataset/', [], ['dataset/matt/', 'dataset/mattea/']],
    ['dataset/matt', [], ['dataset/matt/', 'dataset/mattea/']],
    ['dataset/matt/', ['dataset/matt/a.jpg', 'dataset/matt/a.txt'], []],
    ['files/', ['files/deeper.bin', 'files/x.bin'], ['files/deep/']],
    ['files/deep/', [], ['files/deep/er/']],
    ['catalog/', [], []],
  ])('folds what lies deeper than %j with a delimiter', async (prefix, objects, prefixes) => {
    const page = await list(await seeded(), { prefix, delimiter: '/' })
    expect(keysOf(page)).toEqual(objects)
    expect(page.prefixes).toEqual(prefixes)
    expect(page.nextCursor).toBeNull()
  })

  it('shows a root folder only when something lies in it', async () => {
    const service = createService()
    await seed(service, ['files/a', ...hidden])
    expect(await list(service, { delimiter: '/' })).toEqual({ objects: [], prefixes: ['files/'], nextCursor: null })
    expect(await list(createService())).toEqual({ objects: [], prefixes: [], nextCursor: null })
  })

  it('finds a name by its prefix in either Unicode form', async () => {
    const service = createService()
    await seed(service, ['files/\u00e9.txt'])
    expect(keysOf(await list(service, { prefix: 'files/e\u0301' }))).toEqual(['files/\u00e9.txt'])
  })

  it('pages over 2,100 objects in three folders, each once, in key order', async () => {
    const service = createService()
    const keys = ['dataset/d', 'files', 'results/p/lora'].flatMap((folder) =>
      Array.from({ length: 700 }, (_, i) => `${folder}/${i.toString().padStart(4, '0')}`),
    )
    await seed(service, [...keys, ...hidden])
    expect(await listAll(service, {})).toEqual({ keys, prefixes: [], pages: 3 })
    expect(await listAll(service, { limit: '700' })).toMatchObject({ keys })
    expect((await listAll(service, { limit: '333' })).keys).toEqual(keys)
    expect((await listAll(service, { prefix: 'files/00', limit: '7' })).keys).toHaveLength(100)
  })

  it('pages over folded names one by one', async () => {
    const service = await seeded()
    for (const prefix of ['', 'files/', 'dataset/']) {
      const whole = await listAll(service, { prefix, delimiter: '/' })
      const single = await listAll(service, { prefix, delimiter: '/', limit: '1' })
      expect({ ...single, pages: 0 }).toEqual({ ...whole, pages: 0 })
    }
  })

  it.each(['nonsense', 'catalog:', 'other:x', ':', 'processes:state/a'])('refuses the cursor %s', async (cursor) => {
    const answer = await (await seeded()).request(`/v1/objects?cursor=${encodeURIComponent(cursor)}`)
    await expectProblem(answer, 400, 'invalid-cursor')
  })

  it('refuses the cursor of another listing', async () => {
    const answer = await (await seeded()).request('/v1/objects?prefix=dataset/&cursor=results:')
    await expectProblem(answer, 400, 'invalid-cursor')
  })

  it.each([
    ['limit=0', 'limit'],
    ['limit=1001', 'limit'],
    ['limit=x', 'limit'],
    ['limit=1&limit=2', 'limit'],
    ['delimiter=-', 'delimiter'],
    [`prefix=${'x'.repeat(901)}`, 'prefix'],
    ['prefix=files/&prefix=dataset/', 'prefix'],
  ])('names the parameter that is wrong in ?%s', async (query, path) => {
    const problem = await expectProblem(await (await seeded()).request(`/v1/objects?${query}`), 400, 'invalid-request')
    expect(problem.errors).toEqual([{ path, message: expect.any(String) }])
  })
})

describe('POST /v1/objects/delete', () => {
  const remove = (service: Service, json: unknown, headers: Record<string, string> = {}) =>
    service.request('/v1/objects/delete', { method: 'POST', json, headers })

  it('removes keys, and counts as removed what never was', async () => {
    const service = await seeded()
    const answer = await remove(service, { keys: ['files/x.bin', 'files/none', 'files/x.bin'] })
    expect(answer.status).toBe(200)
    expect(await answer.json()).toEqual({ deleted: ['files/x.bin', 'files/none'], failed: [] })
    expect(await service.keys('files/')).toEqual(['files/deep/er/x.bin', 'files/deeper.bin'])
  })

  it('says for each key that the store refused why, and deletes the rest', async () => {
    const service = createService({
      wrap: (store) => ({
        ...store,
        deleteMany: async (keys, options) => {
          const [first, ...rest] = keys
          if (first === undefined) return []
          const error = new StoreUnavailable('connect ECONNREFUSED 10.0.0.7')
          return [{ key: first, error }, ...(await store.deleteMany(rest, options))]
        },
      }),
    })
    await seed(service, visible)
    const answer = await remove(service, { keys: ['files/x.bin', 'files/deeper.bin'] })
    expect(await answer.json()).toEqual({
      deleted: ['files/deeper.bin'],
      failed: [{ key: 'files/x.bin', code: 'store-unavailable', detail: 'The store is not available' }],
    })
  })

  it('names every key that is not valid, and then deletes none', async () => {
    const service = await seeded()
    const keys = ['files/x.bin', 'catalog/dataset/matt.json', 'files/../a', 'files/a\u202eb']
    const problem = await expectProblem(await remove(service, { keys }), 400, 'invalid-request')
    expect(problem.errors?.map(({ path }) => path)).toEqual(['keys.1', 'keys.2', 'keys.3'])
    expect(await service.keys()).toHaveLength(visible.length + hidden.length)
  })

  it('removes everything below a prefix, which may end inside of a name', async () => {
    const service = await seeded()
    const answer = await remove(service, { prefix: 'dataset/mat' })
    expect(await answer.json()).toEqual({
      deleted: ['dataset/matt/a.jpg', 'dataset/matt/a.txt', 'dataset/mattea/b.jpg'],
      failed: [],
    })
    expect(await service.keys('dataset/')).toEqual([])
  })

  it('removes 2,100 objects below a prefix', async () => {
    const service = createService()
    await seed(service, [...Array.from({ length: 2100 }, (_, i) => `files/many/${i}`), 'files/other'])
    const { deleted } = (await (await remove(service, { prefix: 'files/many/' })).json()) as { deleted: string[] }
    expect(deleted).toHaveLength(2100)
    expect(await service.keys()).toEqual(['files/other'])
  })

  it.each([
    {},
    { prefix: '' },
    { keys: [] },
    { keys: ['files/a'], prefix: 'files/' },
    { prefix: 'd' },
    { prefix: 'dataset' },
    { prefix: 'catalog/' },
    { prefix: '/' },
    { keys: 'files/x.bin' },
    { keys: Array.from({ length: 1001 }, (_, i) => `files/${i}`) },
    [],
    'files/',
    null,
  ])('deletes nothing for %j', async (json) => {
    const service = await seeded()
    const answer = await remove(service, json)
    expect(answer.status).toBe(400)
    expect(await service.keys()).toHaveLength(visible.length + hidden.length)
  })

  it('needs scope admin for a prefix, and write for keys', async () => {
    const tokens = 'writer-0123456789=write,keeper-0123456789=admin'
    const service = createService({ env: { API_TOKENS: tokens } })
    await seed(service, visible)
    const as = (token: string) => ({ authorization: `Bearer ${token}-0123456789` })
    await expectProblem(await remove(service, { prefix: 'files/' }, as('writer')), 403, 'forbidden')
    expect(await service.keys()).toEqual(visible)
    expect((await remove(service, { keys: ['files/x.bin'] }, as('writer'))).status).toBe(200)
    expect((await remove(service, { prefix: 'files/' }, as('keeper'))).status).toBe(200)
    expect(await service.keys('files/')).toEqual([])
  })
})
