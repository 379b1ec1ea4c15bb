import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { type Child, startChild } from '../servers/child.ts'
import { compileCache } from '../servers/compile-cache.ts'
import { npmStartArgs } from '../servers/npm-start.ts'

let dir: string

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'lora-storage-followers-'))
})

afterAll(async () => {
  await rm(dir, { recursive: true, force: true })
})

const startNode = (): Promise<Child> =>
  startChild(npmStartArgs, {
    ready: /listens on (http\S+)/,
    env: { ...compileCache, PORT: '0', DATA_DIR: join(dir, 'folder') },
  })

const startWorkerd = (): Promise<Child> =>
  startChild(['scripts/dev-worker.ts', '--port', '0', '--persist-to', join(dir, 'r2')], {
    ready: /Ready on (http\S+)/,
    readyMs: 60_000,
  })

const post = (origin: string, path: string, json?: unknown) =>
  fetch(`${origin}/v1/processes${path}`, {
    method: 'POST',
    ...(json === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(json) }),
  })

/** A follower's connection, and all that it was sent so far. */
async function follow(origin: string, path: string) {
  const leaving = new AbortController()
  const answer = await fetch(`${origin}/v1/processes${path}`, { signal: leaving.signal })
  expect(answer.headers.get('content-type')).toBe('text/event-stream')
  let text = ''
  const ended = (async () => {
    for await (const piece of answer.body?.pipeThrough(new TextDecoderStream()) ?? []) text += piece
    return 'cleanly'
  })().catch(() => 'broken')
  return {
    ended,
    leave: () => leaving.abort(),
    /** Waits for it, and gives the milliseconds that this took. */
    async hears(pattern: RegExp): Promise<number> {
      const sinceMs = performance.now()
      await expect.poll(() => text, { timeout: 10_000, interval: 20 }).toMatch(pattern)
      return performance.now() - sinceMs
    },
  }
}

const targets: [name: string, start: () => Promise<Child[]>][] = [
  // The second takes the changes, and the first tells of them.
  ['two Node processes on one folder', async () => [await startNode(), await startNode()]],
  ['workerd with R2', async () => [await startWorkerd()]],
]

describe.each(targets)('followers of %s', (_, start) => {
  let children: Child[]
  let [told, takes] = ['', '']

  beforeAll(async () => {
    children = await start()
    told = children[0]?.caught ?? ''
    takes = children.at(-1)?.caught ?? ''
  })
  afterAll(async () => {
    await Promise.all(children.map((child) => child.stop()))
  })

  it('hear of a change within some seconds, many at once, and of the next one after some have left', async () => {
    await post(takes, '', { id: 'p', type: 'training' })
    const followers = await Promise.all([
      ...Array.from({ length: 4 }, () => follow(told, '/events')),
      follow(told, '/p/events'),
    ])
    onTestFinished(() => {
      for (const { leave } of followers) leave()
    })
    await Promise.all(followers.map(({ hears }) => hears(/^event: process\ndata: .*"id":"p".*"version":1,/m)))
    await post(takes, '/p/cancel')
    const tookMs = await Promise.all(followers.map(({ hears }) => hears(/^data: .*"id":"p".*"status":"cancelled"/m)))
    process.stdout.write(`a change was told after ${Math.round(Math.max(...tookMs))} ms\n`)
    for (const { leave } of followers.slice(1)) leave()
    await fetch(`${takes}/v1/processes/p`, { method: 'DELETE' })
    await followers[0]?.hears(/^event: process-deleted\ndata: {"id":"p"}/m)
  })

  it('may wait for a change instead', async () => {
    await post(takes, '', { id: 'q', type: 'training' })
    const etag = (await fetch(`${told}/v1/processes/q`)).headers.get('etag') ?? ''
    const wait = (seconds: number) =>
      fetch(`${told}/v1/processes/q?waitSeconds=${seconds}`, { headers: { 'if-none-match': etag } })
    expect((await wait(1)).status).toBe(304)
    const waiting = Promise.all([wait(25), wait(25)])
    await post(takes, '/q/cancel')
    for (const answer of await waiting) expect(await answer.json()).toMatchObject({ id: 'q', status: 'cancelled' })
  })
})

it('a service that is told to end ends its streams cleanly, at once, and then itself', async () => {
  const child = await startNode()
  await post(child.caught, '', { id: 'r', type: 'training' })
  const [all, one] = [await follow(child.caught, '/events'), await follow(child.caught, '/r/events')]
  await one.hears(/"id":"r"/)
  const ended = child.stop()
  expect(await Promise.all([all.ended, one.ended])).toEqual(['cleanly', 'cleanly'])
  await ended
})
