import { describe, expect, it } from 'vitest'
import { StoreUnavailable } from '../../../src/ports/errors.ts'
import { parseObjectKey } from '../../../src/ports/object-key.ts'
import type { ETag, ObjectStore, StoredObject } from '../../../src/ports/object-store.ts'
import { createFailingStore, guard, thrown } from './failing-store.ts'

const key = parseObjectKey('k')
const { signal: never } = new AbortController()

interface Source {
  readonly store: ObjectStore
  readonly cancelled: unknown[]
  readonly signals: AbortSignal[]
}

/** A store whose one object gives these pieces, each after its time, and then stands still for ever. */
function standingStill(pieces: readonly string[], afterMs = 0): Source {
  const cancelled: unknown[] = []
  const signals: AbortSignal[] = []
  const { store } = createFailingStore()
  return {
    cancelled,
    signals,
    store: {
      ...store,
      async get(_, { signal }): Promise<StoredObject> {
        signals.push(signal)
        let next = 0
        const body = new ReadableStream<Uint8Array>(
          {
            async pull(controller) {
              await new Promise((resolve) => setTimeout(resolve, afterMs))
              const piece = pieces[next++]
              if (piece === undefined) return new Promise(() => {})
              controller.enqueue(new TextEncoder().encode(piece))
            },
            cancel: (reason) => void cancelled.push(reason),
          },
          { highWaterMark: 0 },
        )
        const facts = { contentType: 'text/plain', checksums: undefined, attributes: {} }
        const meta = { key, sizeBytes: 99, etag: 'e' as ETag, lastModified: new Date(0), ...facts }
        return { meta, offset: 0, lengthBytes: 99, body }
      },
    },
  }
}

async function open(store: ObjectStore, signal = never) {
  const found = await store.get(key, { signal })
  if (found === undefined) throw new Error('not there')
  return found.body.getReader()
}

describe('a body', () => {
  it('may take longer than any limit on the call, as long as it moves', async () => {
    const source = standingStill(
      Array.from({ length: 10 }, () => 'x'),
      20,
    )
    const { store } = guard(source.store, { openAttemptMs: 30, openDeadlineMs: 50, bodyIdleMs: 500 })
    const reader = await open(store)
    for (let i = 0; i < 10; i++) expect((await reader.read()).done).toBe(false)
    expect(source.signals[0]?.aborted).toBe(false)
  })

  it('that stands still fails, is let go, and counts against the store', async () => {
    const source = standingStill(['x'])
    const { store, health, events } = guard(source.store, {
      circuitCalls: 4,
      circuitCallsMin: 4,
      circuitFailuresMax: 0.4,
      bodyFailuresMax: 0,
    })
    for (let i = 0; i < 2; i++) {
      const reader = await open(store)
      expect((await reader.read()).done).toBe(false)
      expect(await thrown(reader.read())).toBeInstanceOf(StoreUnavailable)
    }
    expect(source.cancelled).toHaveLength(2)
    expect(source.signals.every(({ aborted }) => aborted)).toBe(true)
    expect(events.map(({ event }) => event)).toContain('store-body-failed')
    await expect.poll(() => health().data.circuit).toBe('open')
  })

  it('that nobody reads does not stand still', async () => {
    const source = standingStill(['x', 'y'])
    const { store } = guard(source.store, { bodyIdleMs: 20 })
    const reader = await open(store)
    await reader.read()
    await new Promise((resolve) => setTimeout(resolve, 60))
    expect((await reader.read()).done).toBe(false)
  })

  it('ends with the reason of a caller who leaves, at once and without a word about the store', async () => {
    const source = standingStill(['x'])
    const { store, health, events } = guard(source.store, { bodyIdleMs: 5_000 })
    const controller = new AbortController()
    const reader = await open(store, controller.signal)
    await reader.read()
    const reading = thrown(reader.read())
    const reason = new Error('the caller went away')
    controller.abort(reason)
    expect(await reading).toBe(reason)
    expect(source.cancelled).toEqual([reason])
    expect(source.signals[0]?.aborted).toBe(true)
    expect(events).toEqual([])
    expect(health().data.circuit).toBe('closed')
  })

  it('that is cancelled is cancelled at its source', async () => {
    const source = standingStill(['x', 'y'])
    const { store } = guard(source.store)
    const reader = await open(store)
    await reader.read()
    await reader.cancel('enough')
    expect(source.cancelled).toEqual(['enough'])
    expect(source.signals[0]?.aborted).toBe(true)
  })

  it('holds no place while it is read', async () => {
    const source = standingStill(['x'])
    const { store, health } = guard(source.store, { dataAtOnce: 1, dataQueued: 0 })
    const readers = [await open(store), await open(store), await open(store)]
    expect(health().data).toMatchObject({ running: 0, waiting: 0 })
    for (const reader of readers) expect((await reader.read()).done).toBe(false)
  })

  it('that comes when nobody waits for it any more is let go', async () => {
    const source = standingStill(['x'])
    const slow: ObjectStore = {
      ...source.store,
      async get(...of) {
        await new Promise((resolve) => setTimeout(resolve, 60))
        return source.store.get(...of)
      },
    }
    const { store } = guard(slow, { openAttemptMs: 20, retriesMax: 0 })
    expect(await thrown(store.get(key, { signal: never }))).toBeInstanceOf(StoreUnavailable)
    await new Promise((resolve) => setTimeout(resolve, 80))
    expect(source.cancelled).toHaveLength(1)
  })
})
