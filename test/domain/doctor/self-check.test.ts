import { describe, expect, it } from 'vitest'
import { createConsoleLog } from '../../../src/adapters/console/log.ts'
import { createMemoryObjectStore } from '../../../src/adapters/memory/object-store.ts'
import { createIds } from '../../../src/adapters/web-crypto/ids.ts'
import { withSelfCheck } from '../../../src/domain/doctor/self-check.ts'
import { StoreUnavailable, UnsupportedByStore } from '../../../src/ports/errors.ts'
import { parseObjectKey } from '../../../src/ports/object-key.ts'
import type { ETag, ObjectStore } from '../../../src/ports/object-store.ts'
import { createTestClock, everyKey, unending as signal } from '../../app/memory-service.ts'

const always = { signal, notWithinMs: 0 }
const key = parseObjectKey('k')

async function selfChecked(change: (store: ObjectStore) => Partial<ObjectStore>) {
  const clock = createTestClock()
  const memory = createMemoryObjectStore(clock)
  const lines: string[] = []
  const log = createConsoleLog({ level: 'debug', write: (line) => lines.push(line), nowMs: clock.nowMs })
  const checked = withSelfCheck({ ...memory, ...change(memory) }, { clock, ids: createIds(), log, name: 'objects' })
  await checked.store.capabilities({ signal })
  const events = () => lines.map((line) => JSON.parse(line) as Record<string, unknown>)
  return { ...checked, clock, memory, events }
}

describe('a store that goes on as it was', () => {
  it('keeps its capabilities, ages its verdict until it is tried again, and is left tidy', async () => {
    const { store, recheck, verdict, clock, memory, events } = await selfChecked(() => ({}))
    const first = await store.capabilities({ signal })
    const seenAtMs = clock.nowMs()
    clock.advance(60_000)
    await recheck({ signal, notWithinMs: 60_001 })
    expect(verdict().checkedAtMs).toBe(seenAtMs)
    await recheck({ signal, notWithinMs: 60_000 })
    expect(verdict()).toEqual({ checkedAtMs: seenAtMs + 60_000, downgrades: [] })
    expect(await store.capabilities({ signal })).toEqual(first)
    expect(events()).toEqual([])
    expect(await everyKey(memory)).toEqual([])
  })

  it('is swept of trial objects that are two hours old, and of no others', async () => {
    const { recheck, clock, memory } = await selfChecked(() => ({}))
    const put = (name: string) =>
      memory.put(parseObjectKey(name), new Uint8Array(1), { signal, when: 'always', contentType: 'text/plain' })
    await put('.probe/old/complete')
    await put('files/old')
    clock.advance(2 * 3_600_000 - 1)
    await put('.probe/young/complete')
    await recheck(always)
    expect(await everyKey(memory)).toHaveLength(3)
    clock.advance(2)
    await recheck(always)
    expect(await everyKey(memory)).toEqual(['.probe/young/complete', 'files/old'])
  })

  it('is not tried before it has shown what it can do', async () => {
    const clock = createTestClock()
    const log = createConsoleLog({ level: 'debug', write: () => {} })
    let puts = 0
    const memory = createMemoryObjectStore(clock)
    const store: ObjectStore = {
      ...memory,
      put: (...call) => {
        puts += 1
        return memory.put(...call)
      },
    }
    const { recheck, verdict } = withSelfCheck(store, { clock, ids: createIds(), log, name: 'objects' })
    await recheck(always)
    expect({ puts, ...verdict() }).toEqual({ puts: 0, checkedAtMs: undefined, downgrades: [] })
  })

  it('is not tried twice at once', async () => {
    let opened = 0
    const { recheck } = await selfChecked((memory) => ({
      createMultipart: (...call) => {
        opened += 1
        return memory.createMultipart(...call)
      },
    }))
    await recheck(always)
    const once = opened
    await Promise.all([recheck(always), recheck(always), recheck(always)])
    expect(opened).toBe(2 * once)
  })
})

describe('a store that begins to ignore conditions', () => {
  const ignoring = async () => {
    let ignores = false
    const subject = await selfChecked((memory) => ({
      put: (at, body, options) => memory.put(at, body, ignores ? { ...options, when: 'always' } : options),
    }))
    return {
      ...subject,
      set: (now: boolean) => {
        ignores = now
      },
    }
  }

  it('is seen to, says so once as an error, and offers no conditional puts any more', async () => {
    const { store, recheck, verdict, set, events, clock } = await ignoring()
    await recheck(always)
    expect(await store.capabilities({ signal })).toMatchObject({ conditionalPut: 'atomic' })
    set(true)
    await recheck(always)
    await recheck(always)
    expect(await store.capabilities({ signal })).toMatchObject({
      conditionalPut: 'none',
      conditionalComplete: 'atomic',
      conditionalDelete: 'atomic',
    })
    const downgrade = {
      capability: 'conditionalPut',
      from: 'atomic',
      to: 'none',
      reason: 'if-absent overwrote an object',
    }
    expect(verdict().downgrades).toEqual([{ ...downgrade, atMs: clock.nowMs() }])
    expect(events()).toMatchObject([{ level: 'error', event: 'store-downgraded', store: 'objects', ...downgrade }])
  })

  it('is not believed again when it goes back', async () => {
    const { store, recheck, set } = await ignoring()
    await store.capabilities({ signal })
    set(true)
    await recheck(always)
    set(false)
    await recheck(always)
    expect(await store.capabilities({ signal })).toMatchObject({ conditionalPut: 'none' })
  })
})

it('notices a race with two winners, and conditions that are ignored on completion and deletion', async () => {
  const { store, recheck } = await selfChecked((memory) => ({
    async put(at, body, options) {
      if (options.when === 'always') return memory.put(at, body, options)
      const current = await memory.head(at, options)
      await new Promise((resolve) => setTimeout(resolve, 2))
      const holds = options.when === 'if-absent' ? current === undefined : current?.etag === options.when.ifMatch
      return holds ? memory.put(at, body, { ...options, when: 'always' }) : { outcome: 'rejected' }
    },
    completeMultipart: (upload, parts, options) =>
      memory.completeMultipart(upload, parts, { ...options, when: 'always' }),
    delete: (at, options) => memory.delete(at, { signal: options.signal }),
  }))
  await recheck(always)
  expect(await store.capabilities({ signal })).toMatchObject({
    conditionalPut: 'none',
    conditionalComplete: 'none',
    conditionalDelete: 'none',
  })
})

it('a refusal of the right version counts when it comes twice, not once', async () => {
  let refusals = 0
  const refusing = await selfChecked((memory) => ({
    async put(at, body, options) {
      const ifMatch = typeof options.when === 'object'
      if (ifMatch && refusals > 0) {
        refusals -= 1
        return { outcome: 'rejected' }
      }
      return memory.put(at, body, options)
    },
  }))
  // The stale version and the absent key are refused anyway; the third is the right version.
  refusals = 3
  await refusing.recheck(always)
  expect(await refusing.store.capabilities({ signal })).toMatchObject({ conditionalPut: 'atomic' })
  refusals = 6
  await refusing.recheck(always)
  expect(await refusing.store.capabilities({ signal })).toMatchObject({ conditionalPut: 'none' })
})

it('a store that cannot be asked keeps its verdict and its age, and is left alone for a minute', async () => {
  let down = false
  let puts = 0
  const { recheck, verdict, store, clock, events } = await selfChecked((memory) => ({
    async put(...call) {
      puts += 1
      if (down) throw new StoreUnavailable('503')
      return memory.put(...call)
    },
  }))
  await recheck(always)
  const seenAtMs = clock.nowMs()
  clock.advance(1_000)
  down = true
  await recheck(always)
  expect(verdict()).toEqual({ checkedAtMs: seenAtMs, downgrades: [] })
  expect(await store.capabilities({ signal })).toMatchObject({ conditionalPut: 'atomic' })
  expect(events()).toMatchObject([{ level: 'warn', event: 'store-self-check-failed' }])
  const putsBefore = puts
  clock.advance(59_999)
  await recheck(always)
  expect(puts).toBe(putsBefore)
  down = false
  clock.advance(1)
  await recheck(always)
  expect(verdict().checkedAtMs).toBe(clock.nowMs())
})

describe('an operation that is refused as unknown', () => {
  const unknown = async (): Promise<never> => {
    throw new UnsupportedByStore('NotImplemented')
  }
  const options = { signal, contentType: 'text/plain' }
  const body = new Uint8Array(1)

  it.each([
    [
      'conditionalPut',
      'none',
      { put: unknown },
      (store: ObjectStore) => store.put(key, body, { ...options, when: 'if-absent' }),
    ],
    [
      'conditionalDelete',
      'none',
      { delete: unknown },
      (store: ObjectStore) => store.delete(key, { signal, ifMatch: 'e' as ETag }),
    ],
    [
      'listParts',
      false,
      { listParts: unknown },
      (store: ObjectStore) => store.listParts({ key, uploadId: 'u' }, { signal }),
    ],
    [
      'abortMultipart',
      false,
      { abortMultipart: unknown },
      (store: ObjectStore) => store.abortMultipart({ key, uploadId: 'u' }, { signal }),
    ],
  ] as const)('takes %s away', async (capability, to, change, call) => {
    const { store, verdict } = await selfChecked(() => change)
    await store.capabilities({ signal })
    await expect(call(store)).rejects.toBeInstanceOf(UnsupportedByStore)
    expect((await store.capabilities({ signal }))[capability]).toBe(to)
    expect(verdict().downgrades).toMatchObject([{ capability, to }])
  })

  it('takes nothing away when it was asked without a condition', async () => {
    const { store, verdict } = await selfChecked(() => ({ put: unknown }))
    await store.capabilities({ signal })
    await expect(store.put(key, body, { ...options, when: 'always' })).rejects.toBeInstanceOf(UnsupportedByStore)
    expect(verdict().downgrades).toEqual([])
  })
})

it('passes on that the store itself does less than at first', async () => {
  let batches = true
  const { store, verdict } = await selfChecked((memory) => ({
    capabilities: async (options) => ({ ...(await memory.capabilities(options)), batchDelete: batches }),
  }))
  await store.capabilities({ signal })
  batches = false
  expect(await store.capabilities({ signal })).toMatchObject({ batchDelete: false })
  batches = true
  expect(await store.capabilities({ signal })).toMatchObject({ batchDelete: false })
  expect(verdict().downgrades).toMatchObject([{ capability: 'batchDelete', from: true, to: false }])
})
