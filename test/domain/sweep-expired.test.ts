import { expect, it } from 'vitest'
import { createMemoryObjectStore } from '../../src/adapters/memory/object-store.ts'
import { createDigests } from '../../src/adapters/node-crypto/digests.ts'
import { createOpenUploads } from '../../src/domain/object/open-uploads.ts'
import { isSwept, sweepExpired } from '../../src/domain/sweep-expired.ts'
import { StoreDenied } from '../../src/ports/errors.ts'
import { parseObjectKey } from '../../src/ports/object-key.ts'
import type { ObjectStore } from '../../src/ports/object-store.ts'
import { everyKey } from '../app/memory-service.ts'

const { signal } = new AbortController()
const hourMs = 3_600_000
const digests = createDigests()

function stage(wrap: (memory: ObjectStore) => Partial<ObjectStore> = () => ({})) {
  let nowMs = Date.parse('2026-03-01T12:00:00.000Z')
  const clock = { nowMs: () => nowMs, sleep: async () => {} }
  const memory = createMemoryObjectStore(clock)
  const objects: ObjectStore = { ...memory, ...wrap(memory) }
  const state = createMemoryObjectStore(clock)
  const told: string[] = []
  const tell = (event: string) => void told.push(event)
  const log = { debug: tell, info: tell, warn: tell, error: tell }
  const put = (store: ObjectStore, key: string, body = 'x') =>
    store.put(parseObjectKey(key), new TextEncoder().encode(body), { signal, when: 'always', contentType: 'a/b' })
  return {
    memory,
    state,
    told,
    put,
    pass: (ms: number) => {
      nowMs += ms
    },
    manifest: (id: string, livesMs: number) =>
      put(memory, `exports/${id}.jsonl`, `{"expiresAt":"${new Date(nowMs + livesMs).toISOString()}","id":"${id}"}\n`),
    uploads: createOpenUploads({ store: memory, digests, clock, log }),
    sweep: () => sweepExpired({ objects, state, digests, clock, log }, { signal }),
  }
}

const about = (prefix: string, removed: number, store = 'objects') => ({ store, prefix, removed, left: 0 })

it('removes what has expired, each by its own rule, and nothing else', async () => {
  const { memory, state, put, pass, manifest, uploads, sweep, told } = stage()
  const upload = await memory.createMultipart(parseObjectKey('files/left'), { signal, contentType: 'a/b' })
  await uploads.note(upload, { signal })
  pass(47 * hourMs)
  for (const key of [
    'uploads/waiting/old',
    'learned/old.json',
    'exports/old.json',
    '.probe/old',
    'files/old',
    'records/old.json',
  ]) {
    await put(memory, key)
  }
  await put(state, '.probe/old')
  await put(state, 'processes/state/p1.json')
  pass(25 * hourMs)
  for (const key of [
    'uploads/waiting/new',
    'learned/new.json',
    'exports/foreign.json',
    'exports/empty',
    '.probe/new',
  ]) {
    await put(memory, key, key === 'exports/empty' ? '' : 'x')
  }
  await manifest('short', hourMs)
  await manifest('long', 2 * hourMs)
  pass(hourMs)

  expect(await sweep()).toEqual([
    about('exports/', 2),
    about('learned/', 1),
    about('uploads/waiting/', 1),
    about('open-uploads/', 1),
    about('.probe/', 1),
    about('.probe/', 1, 'state'),
  ])
  expect(await everyKey(memory)).toEqual([
    '.probe/new',
    'exports/empty',
    'exports/foreign.json',
    'exports/long.jsonl',
    'files/old',
    'learned/new.json',
    'records/old.json',
    'uploads/waiting/new',
  ])
  expect(await everyKey(state)).toEqual(['processes/state/p1.json'])
  await expect(memory.listParts(upload, { signal })).rejects.toThrow('no such upload')
  expect(told).toEqual(Array.from({ length: 6 }, () => 'swept'))
  expect((await sweep()).every(({ removed }) => removed === 0)).toBe(true)
})

it('goes through all pages', async () => {
  const { memory, put, pass, sweep } = stage()
  for (let i = 0; i < 2500; i++) await put(memory, `uploads/waiting/${i}`)
  pass(25 * hourMs)
  expect(await sweep()).toContainEqual(about('uploads/waiting/', 2500))
  expect(await everyKey(memory)).toEqual([])
})

it('says what could not be removed, and what could not be looked at, and sweeps the rest', async () => {
  const { memory, put, pass, sweep } = stage((memory) => ({
    async list(options) {
      if (options.prefix === 'uploads/waiting/') throw new StoreDenied('no')
      return memory.list(options)
    },
    async deleteMany(keys, options) {
      const results = await memory.deleteMany(keys.slice(1), options)
      return [...keys.slice(0, 1).map((key) => ({ key, error: new StoreDenied('no') })), ...results]
    },
  }))
  for (const key of ['exports/a', 'exports/b', 'exports/c', 'uploads/waiting/a', '.probe/a']) await put(memory, key)
  pass(25 * hourMs)
  const swept = await sweep()
  expect(swept).toMatchObject([
    { prefix: 'exports/', removed: 2, left: 1 },
    { prefix: 'learned/', removed: 0, left: 0 },
    { prefix: 'uploads/waiting/', removed: 0, error: expect.any(StoreDenied) },
    { prefix: 'open-uploads/', removed: 0, left: 0 },
    { prefix: '.probe/', removed: 0, left: 1 },
    { prefix: '.probe/', store: 'state', removed: 0, left: 0 },
  ])
  expect(swept.map(isSwept)).toEqual([false, true, false, true, false, true])
})
