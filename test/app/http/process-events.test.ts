import { describe, expect, it } from 'vitest'
import { createSystemClock } from '../../../src/adapters/system/clock.ts'
import { createIds } from '../../../src/adapters/web-crypto/ids.ts'
import { createService, type ServiceOptions } from '../memory-service.ts'
import { expectProblem } from '../problems.ts'
import { processClient } from './processes.ts'

/** Real time: followers look once a second. */
const inRealTime = (options: ServiceOptions = {}) => {
  const clock = { ...createSystemClock(), advance: () => {} }
  const service = createService({ clock, ...options })
  return { service, ...processClient(service) }
}

interface Told {
  readonly id: string | undefined
  readonly event: string
  readonly data: { readonly id: string; readonly version: number; readonly liveness: string }
}

/** The events of a stream, as they come. */
async function* eventsOf(answer: Response): AsyncGenerator<Told, void> {
  expect(answer.status).toBe(200)
  expect(answer.headers.get('content-type')).toBe('text/event-stream')
  let text = ''
  for await (const piece of answer.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += piece
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const block = text.slice(0, end)
      text = text.slice(end + 2)
      const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1]
      const [event, data] = [field('event'), field('data')]
      if (event !== undefined && data !== undefined) yield { id: field('id'), event, data: JSON.parse(data) }
    }
  }
}

const follow = async (service: ReturnType<typeof createService>, path: string, lastEventId?: string) =>
  eventsOf(
    await service.request(`/v1/processes${path}`, {
      headers: lastEventId === undefined ? {} : { 'last-event-id': lastEventId },
    }),
  )

/** Of all processes, after what is told first. */
async function followAll(service: ReturnType<typeof createService>, lastEventId?: string) {
  const events = await follow(service, '/events', lastEventId)
  expect(await nextOf(events)).toMatchObject({ event: 'processes', id: expect.stringMatching(/^\d{4}-.*Z$/) })
  return events
}

const nextOf = async (events: AsyncGenerator<Told, void>) => (await events.next()).value ?? undefined

describe('GET /v1/processes/events', () => {
  it('tells of a change that another instance took within three seconds', async () => {
    const { service, made } = inRealTime()
    const other = inRealTime({ store: service.store, ids: createIds() })
    await made({ id: 'p' })
    const events = await followAll(service)
    expect(await nextOf(events)).toMatchObject({ event: 'process', data: { id: 'p', version: 1 } })
    const startedAtMs = performance.now()
    await other.cancel('p')
    expect(await nextOf(events)).toMatchObject({ event: 'process', data: { id: 'p', status: 'cancelled' } })
    expect(performance.now() - startedAtMs).toBeLessThan(3_000)
    await other.remove('p')
    expect(await nextOf(events)).toMatchObject({ event: 'process-deleted', data: { id: 'p' } })
    await events.return()
  })

  it('goes on after the last event that was seen', async () => {
    const { service, made } = inRealTime()
    await made({ id: 'p' })
    const first = await followAll(service)
    const seen = await nextOf(first)
    await first.return()
    await made({ id: 'q' })
    const again = await followAll(service, seen?.id)
    const ids = [(await nextOf(again))?.data.id, (await nextOf(again))?.data.id]
    expect(ids).toEqual(['p', 'q'])
    await again.return()
  })

  it('costs the same looks for one follower and for fifty', async () => {
    let lists = 0
    const { service, made } = inRealTime({
      wrap: (store) => ({
        ...store,
        list: (options) => {
          lists += 1
          return store.list(options)
        },
      }),
    })
    await made({ id: 'p' })
    const all = await Promise.all(Array.from({ length: 50 }, () => followAll(service)))
    await Promise.all(all.map(nextOf))
    const before = lists
    await new Promise((resolve) => setTimeout(resolve, 2_500))
    await Promise.all(all.map((events) => events.return()))
    expect(lists - before).toBeLessThanOrEqual(3 * 2)
    const after = lists
    await new Promise((resolve) => setTimeout(resolve, 2_500))
    // The look that was under way, and none for nobody.
    expect(lists - after).toBeLessThanOrEqual(2 * 2)
  })
})

describe('GET /v1/processes/{id}/events', () => {
  it('begins with the process, tells what becomes of it, and ends with it', async () => {
    const { service, made, cancel, remove } = inRealTime()
    await made({ id: 'p' })
    const events = await follow(service, '/p/events')
    expect(await nextOf(events)).toMatchObject({ id: '1', event: 'process', data: { id: 'p', version: 1 } })
    await cancel('p')
    expect(await nextOf(events)).toMatchObject({ id: '2', event: 'process', data: { id: 'p', version: 2 } })
    await remove('p')
    expect(await nextOf(events)).toMatchObject({ event: 'process-deleted', data: { id: 'p' } })
    expect(await nextOf(events)).toBeUndefined()
  })

  it('does not tell again what was seen', async () => {
    const { service, made, cancel } = inRealTime()
    await made({ id: 'p' })
    const events = await follow(service, '/p/events', '1')
    const next = nextOf(events)
    await cancel('p')
    expect(await next).toMatchObject({ id: '2' })
    await events.return()
  })

  it('is 404 for a process that is not there', async () => {
    const { service } = inRealTime()
    await expectProblem(await service.request('/v1/processes/none/events'), 404, 'not-found')
  })

  it('ends when the service does', async () => {
    const ending = new AbortController()
    const { service, made } = inRealTime({ ending: ending.signal })
    await made({ id: 'p' })
    const events = await follow(service, '/p/events')
    await nextOf(events)
    const last = nextOf(events)
    ending.abort()
    expect(await last).toBeUndefined()
  })
})

describe('GET /v1/processes/{id}?waitSeconds', () => {
  const waiting = async (service: ReturnType<typeof createService>, etag: string | null, seconds: number) => {
    const startedAtMs = performance.now()
    const answer = await service.request(`/v1/processes/p?waitSeconds=${seconds}`, {
      headers: { 'if-none-match': etag ?? '' },
    })
    return { answer, tookMs: performance.now() - startedAtMs }
  }

  it('answers as soon as something has changed', async () => {
    const { service, made, get, cancel } = inRealTime()
    await made({ id: 'p' })
    const etag = (await get('p')).headers.get('etag')
    const wait = waiting(service, etag, 20)
    await cancel('p')
    const { answer, tookMs } = await wait
    expect(await answer.json()).toMatchObject({ status: 'cancelled' })
    expect(tookMs).toBeLessThan(10_000)
  })

  it('answers 304 when nothing has changed for so long', async () => {
    const { service, made, get } = inRealTime()
    await made({ id: 'p' })
    const etag = (await get('p')).headers.get('etag')
    const { answer, tookMs } = await waiting(service, etag, 2)
    expect(answer.status).toBe(304)
    expect(tookMs).toBeGreaterThan(1_900)
  })

  it('answers at once without a version to compare, and with an old one', async () => {
    const { service, made } = inRealTime()
    await made({ id: 'p' })
    expect((await service.request('/v1/processes/p?waitSeconds=25')).status).toBe(200)
    expect((await waiting(service, '"old"', 25)).answer.status).toBe(200)
  })

  it('answers as it is when the service is about to end', async () => {
    const ending = new AbortController()
    const { service, made, get } = inRealTime({ ending: ending.signal })
    await made({ id: 'p' })
    const wait = waiting(service, (await get('p')).headers.get('etag'), 25)
    setTimeout(() => ending.abort(), 300)
    const { answer, tookMs } = await wait
    expect(answer.status).toBe(304)
    expect(tookMs).toBeLessThan(10_000)
  })

  it('refuses to wait for longer than 25 seconds', async () => {
    const { service, made } = inRealTime()
    await made({ id: 'p' })
    for (const seconds of ['26', '-1', '1.5', 'x']) {
      await expectProblem(await service.request(`/v1/processes/p?waitSeconds=${seconds}`), 400, 'invalid-request')
    }
  })
})
