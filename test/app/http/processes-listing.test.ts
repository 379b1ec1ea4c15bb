import { describe, expect, it } from 'vitest'
import { StoreUnavailable } from '../../../src/ports/errors.ts'
import { parseObjectKey } from '../../../src/ports/object-key.ts'
import { countCalls } from '../counted-store.ts'
import { createService, type ServiceOptions, unending } from '../memory-service.ts'
import { expectProblem } from '../problems.ts'
import { type ProcessListJson, processClient } from './processes.ts'

function open(options: ServiceOptions = {}) {
  const service = createService(options)
  const client = processClient(service)
  return {
    service,
    ...client,
    /** One a second, so that the last is the newest. */
    async makeSome(count: number, json: Record<string, unknown> = {}) {
      for (let i = 0; i < count; i++) {
        await client.made({ id: `p${i}`, ...json })
        service.clock.advance(1000)
      }
    },
  }
}

const idsOf = ({ processes }: ProcessListJson) => processes.map(({ id }) => id)

describe('GET /v1/processes', () => {
  it('lists the newest first', async () => {
    const { list, makeSome } = open()
    expect(await list()).toEqual({ processes: [], nextCursor: null, partial: false, unreadable: [] })
    await makeSome(3)
    expect(idsOf(await list())).toEqual(['p2', 'p1', 'p0'])
  })

  it('keeps an order among processes of the same millisecond, on every page', async () => {
    const { list, made } = open()
    for (const id of ['b', 'a', 'd', 'c']) await made({ id })
    const whole = idsOf(await list())
    expect([...whole].sort()).toEqual(['a', 'b', 'c', 'd'])
    expect(idsOf(await list())).toEqual(whole)
    const paged: string[] = []
    let cursor = ''
    do {
      const page: ProcessListJson = await list(`?limit=1${cursor}`)
      paged.push(...idsOf(page))
      cursor = page.nextCursor === null ? '' : `&cursor=${encodeURIComponent(page.nextCursor)}`
    } while (cursor !== '')
    expect(paged).toEqual(whole)
  })

  it('goes on behind its cursor although new ones were made and old ones deleted', async () => {
    const { list, makeSome, made, cancel, remove } = open()
    await makeSome(5)
    const first = await list('?limit=2')
    expect(idsOf(first)).toEqual(['p4', 'p3'])
    await made({ id: 'newer' })
    await cancel('p3')
    await remove('p3')
    const cursor = encodeURIComponent(`${first.nextCursor}`)
    const rest = await list(`?limit=10&cursor=${cursor}`)
    expect(idsOf(rest)).toEqual(['p2', 'p1', 'p0'])
    expect(rest.nextCursor).toBeNull()
  })

  it('gives no cursor with the last page, however full it is', async () => {
    const { list, makeSome } = open()
    await makeSome(4)
    const first = await list('?limit=2')
    const last = await list(`?limit=2&cursor=${encodeURIComponent(`${first.nextCursor}`)}`)
    expect([idsOf(last), last.nextCursor]).toEqual([['p1', 'p0'], null])
  })

  it('filters by status and type, before it pages', async () => {
    const { list, makeSome, made, cancel } = open()
    await makeSome(4)
    await made({ id: 'g', type: 'generation' })
    await cancel('p0')
    await cancel('p2')
    expect(idsOf(await list('?status=cancelled'))).toEqual(['p2', 'p0'])
    expect(idsOf(await list('?type=generation'))).toEqual(['g'])
    expect(idsOf(await list('?status=cancelled&type=generation'))).toEqual([])
    const page = await list('?status=cancelled&limit=1')
    expect(idsOf(page)).toEqual(['p2'])
    expect(idsOf(await list(`?status=cancelled&cursor=${encodeURIComponent(`${page.nextCursor}`)}`))).toEqual(['p0'])
  })

  it.each(['status=done', 'type=other', 'limit=0', 'limit=1001', 'limit=abc'])('refuses ?%s', async (query) => {
    const { service } = open()
    const problem = await expectProblem(await service.request(`/v1/processes?${query}`), 400, 'invalid-request')
    expect(problem.errors?.map(({ path }) => path)).toEqual([query.split('=')[0]])
  })

  it.each(['x', '2026', '~', 'zzz~p1', '2026-03-01T12:00:00.000Z'])('refuses the cursor %s', async (cursor) => {
    const { service } = open()
    const answer = await service.request(`/v1/processes?cursor=${encodeURIComponent(cursor)}`)
    await expectProblem(answer, 400, 'invalid-cursor')
  })

  it('says that it is partial when one state cannot be read now', async () => {
    const { list, makeSome } = open({
      wrap: (store) => ({
        ...store,
        get: async (key, options) => {
          if (key === 'processes/state/p1.json' && !unbroken) throw new StoreUnavailable('down')
          return await store.get(key, options)
        },
      }),
    })
    let unbroken = true
    await makeSome(3)
    unbroken = false
    const page = await list()
    expect(page).toMatchObject({ partial: true, unreadable: ['p1'] })
    expect(idsOf(page)).toEqual(['p2', 'p0'])
    unbroken = true
    expect(await list()).toMatchObject({ partial: false, unreadable: [] })
  })

  it.each(['not json', '{}', '{"version":1}', '\xff', ''])(
    'says that it is partial when a state is %j',
    async (body) => {
      const { service, list, makeSome, get } = open()
      await makeSome(2)
      await service.store.put(parseObjectKey('processes/state/bad.json'), Buffer.from(body, 'latin1'), {
        contentType: 'application/json',
        when: 'always',
        signal: unending,
      })
      const page = await list()
      expect(page).toMatchObject({ partial: true, unreadable: ['bad'] })
      expect(idsOf(page)).toEqual(['p1', 'p0'])
      await expectProblem(await get('bad'), 500, 'state-unreadable')
    },
  )

  it('reads only what has changed since it was last asked', async () => {
    const counted = countCalls()
    const { list, makeSome, claim } = open({ wrap: counted.wrap })
    await makeSome(3)
    await list()
    counted.reset()
    await list()
    expect(counted.calls).toEqual([{ call: 'list', key: 'processes/state/' }])
    await claim('p1')
    counted.reset()
    expect((await list()).processes[1]).toMatchObject({ id: 'p1', status: 'starting' })
    expect(counted.count('get')).toBe(1)
  })
})
