import { describe, expect, it } from 'vitest'
import { createService, type Service } from '../memory-service.ts'
import { expectProblem } from '../problems.ts'

const keys = [
  'results/p1/images/1.png',
  'results/p1/lora/a.safetensors',
  'results/p1/samples/1.jpg',
  'results/p2/lora/deep/b.safetensors',
]

async function filled(env: Record<string, string> = {}, headers: Record<string, string> = {}): Promise<Service> {
  const service = createService({ env })
  for (const key of [...keys, 'results/p1/notes.txt', 'files/results/p1/lora/c'])
    expect((await service.request(`/v1/objects/${key}`, { method: 'PUT', body: 'x', headers })).status).toBe(201)
  return service
}

interface Page {
  readonly results: readonly {
    readonly key: string
    readonly process: string
    readonly kind: string
    readonly name: string
  }[]
  readonly nextCursor: string | null
}
const list = async (service: Service, query = ''): Promise<Page> =>
  (await service.request(`/v1/results${query}`)).json() as Promise<Page>

describe('GET /v1/results', () => {
  it('lists what processes made, by process and by kind', async () => {
    const service = await filled()
    const keysOf = async (query: string) => (await list(service, query)).results.map(({ key }) => key)
    expect(await keysOf('')).toEqual(keys)
    expect(await keysOf('?process=p1')).toEqual(keys.slice(0, 3))
    expect(await keysOf('?kind=lora')).toEqual([keys[1], keys[3]])
    expect(await keysOf('?kind=lora&process=p2')).toEqual([keys[3]])
    expect(await keysOf('?process=p3')).toEqual([])
    expect((await list(service, '?process=p2')).results).toMatchObject([
      { process: 'p2', kind: 'lora', name: 'deep/b.safetensors', size: 1, lastModified: '2026-03-01T12:00:00.000Z' },
    ])
  })

  it('gives them page by page, none twice and none left out', async () => {
    const service = await filled()
    for (const kind of ['', '&kind=lora']) {
      const seen: string[] = []
      let cursor = ''
      do {
        const page = await list(service, `?limit=1${kind}${cursor}`)
        seen.push(...page.results.map(({ key }) => key))
        cursor = page.nextCursor === null ? '' : `&cursor=${encodeURIComponent(page.nextCursor)}`
      } while (cursor !== '')
      expect(seen).toEqual(kind === '' ? keys : [keys[1], keys[3]])
    }
  })

  it('refuses what is no kind and no process', async () => {
    const service = await filled()
    const refused = async (query: string) => {
      const answer = await service.request(`/v1/results${query}`)
      return [answer.status, ((await answer.json()) as { errors?: { path: string }[] }).errors?.[0]?.path]
    }
    expect(await refused('?kind=video')).toEqual([400, 'kind'])
    expect(await refused('?process=a/b')).toEqual([400, 'process'])
    expect(await refused('?limit=0')).toEqual([400, 'limit'])
  })
})

describe('DELETE /v1/results', () => {
  it('deletes one kind of one process, and nothing else', async () => {
    const service = await filled()
    const answer = await service.request('/v1/results?kind=lora&process=p1', { method: 'DELETE' })
    expect(await answer.json()).toEqual({ deleted: [keys[1]], failed: [] })
    expect((await list(service)).results.map(({ key }) => key)).toEqual([keys[0], keys[2], keys[3]])
  })

  it('deletes one kind of all processes for administrators only, and no kind never', async () => {
    const secrets = { writer: 'w'.repeat(32), admin: 'a'.repeat(32) }
    const env = { API_TOKENS: `${secrets.writer}=read+write,${secrets.admin}=read+write+admin` }
    const as = (name: keyof typeof secrets) => ({ authorization: `Bearer ${secrets[name]}` })
    const service = await filled(env, as('writer'))
    const remove = (query: string, name: keyof typeof secrets) =>
      service.request(`/v1/results${query}`, { method: 'DELETE', headers: as(name) })
    await expectProblem(await remove('?kind=lora', 'writer'), 403, 'forbidden')
    await expectProblem(await remove('', 'admin'), 400, 'invalid-request')
    expect(await (await remove('?kind=lora', 'admin')).json()).toEqual({ deleted: [keys[1], keys[3]], failed: [] })
  })
})
