import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createMemoryObjectStore } from '../../../src/adapters/memory/object-store.ts'
import { PreconditionFailed, StoreMisbehaved, StoreUnavailable } from '../../../src/ports/errors.ts'
import { parseObjectKey } from '../../../src/ports/object-key.ts'
import type { ETag, ObjectStore, Range } from '../../../src/ports/object-store.ts'
import { guard, thrown } from './failing-store.ts'

const key = parseObjectKey('k')
const { signal: never } = new AbortController()
const pattern = (length: number) => Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8)) % 251)

type Ending = 'breaks' | 'ends' | 'stands still'

interface Asked {
  readonly range: Range | undefined
  readonly ifMatch: ETag | undefined
  readonly signal: AbortSignal
}

/** The memory store, whose n-th body gives only so many bytes and then fails in this way. */
function cutting(cuts: readonly { after: number; how: Ending }[], pieceBytes = 1000) {
  const memory = createMemoryObjectStore({ nowMs: Date.now })
  const asked: Asked[] = []
  const store: ObjectStore = {
    ...memory,
    async get(of, { signal, range, ifMatch }) {
      asked.push({ signal, range, ifMatch })
      const cut = cuts[asked.length - 1]
      const found = await memory.get(of, { signal, ...(range && { range }), ...(ifMatch && { ifMatch }) })
      if (found === undefined) return found
      const whole = new Uint8Array(await new Response(found.body).arrayBuffer())
      let given = 0
      const end = Math.min(cut?.after ?? whole.length, whole.length)
      const body = new ReadableStream<Uint8Array>(
        {
          pull(controller) {
            if (given < end) {
              const piece = whole.slice(given, Math.min(given + pieceBytes, end))
              given += piece.length
              return controller.enqueue(piece)
            }
            if (cut === undefined || cut.how === 'ends') return controller.close()
            if (cut.how === 'breaks') return controller.error(new StoreUnavailable('reset'))
            return new Promise(() => {})
          },
        },
        { highWaterMark: 0 },
      )
      return { ...found, body }
    },
  }
  return { store, memory, asked }
}

const put = (store: ObjectStore, body: Uint8Array, crc32?: string) =>
  store.put(key, body, {
    signal: never,
    when: 'always',
    contentType: 'text/plain',
    ...(crc32 && { checksums: { crc32, sha256: '0'.repeat(64) } }),
  })

async function open(store: ObjectStore, signal = never, range?: Range): Promise<ReadableStream<Uint8Array>> {
  const found = await store.get(key, { signal, ...(range && { range }) })
  if (found === undefined) throw new Error('not there')
  return found.body
}

const read = async (store: ObjectStore, range?: Range) =>
  new Uint8Array(await new Response(await open(store, never, range)).arrayBuffer())

const pieces = (body: ReadableStream<Uint8Array>) => body as unknown as AsyncIterable<Uint8Array>

const breaks = (after: number) => ({ after, how: 'breaks' as const })

describe('a body that fails in the middle', () => {
  it.each(['breaks', 'ends', 'stands still'] as const)(
    'and %s goes on from the same byte of the same version',
    async (how) => {
      const source = cutting([{ after: 2500, how }])
      const { store, told } = guard(source.store)
      const body = pattern(10_000)
      const written = await put(source.memory, body)
      expect(await read(store)).toEqual(body)
      const etag = written.outcome === 'applied' ? written.etag : undefined
      expect(source.asked.slice(1)).toMatchObject([{ range: { offset: 2500, length: 7500 }, ifMatch: etag }])
      expect(told).toContainEqual(
        expect.objectContaining({ event: 'body-failed', resumed: true, deliveredBytes: 2500 }),
      )
    },
  )

  it('is the same bytes, whatever the range and wherever it is cut', async () => {
    const body = pattern(5000)
    const property = fc.asyncProperty(
      fc.array(fc.record({ after: fc.nat(1500), how: fc.constantFrom<Ending>('breaks', 'ends') }), { maxLength: 12 }),
      fc.nat(4999),
      fc.integer({ min: 1, max: 5000 }),
      async (cuts, offset, length) => {
        const source = cutting(cuts, 300)
        const settings = { bodyFailuresMax: 12, circuitFailuresMax: 0.99, backoffFirstMs: 1, backoffMaxMs: 1 }
        const { store } = guard(source.store, settings)
        await put(source.memory, body)
        expect(await read(store, { offset, length })).toEqual(body.slice(offset, offset + length))
      },
    )
    await fc.assert(property, { numRuns: 60 })
  })

  it('may fail as often as it likes while it moves', async () => {
    const source = cutting(Array.from({ length: 40 }, () => breaks(100)))
    const { store, health } = guard(source.store, { bodyFailuresMax: 2 })
    await put(source.memory, pattern(4000))
    expect(await read(store)).toEqual(pattern(4000))
    expect(source.asked).toHaveLength(40)
    // As many requests were answered as bodies failed.
    expect(health().data.circuit).toBe('closed')
  })

  it('fails for good after so many failures in a row without a byte', async () => {
    const source = cutting([breaks(100), ...Array.from({ length: 9 }, () => breaks(0))])
    const { store, told } = guard(source.store, { bodyFailuresMax: 3 })
    await put(source.memory, pattern(4000))
    expect(await thrown(read(store))).toBeInstanceOf(StoreUnavailable)
    expect(source.asked).toHaveLength(4)
    expect(told.filter(({ event }) => event === 'body-failed').at(-1)).toMatchObject({ resumed: false })
  })

  it('fails loudly when the object was replaced or deleted meanwhile', async () => {
    for (const change of [
      (store: ObjectStore) => put(store, pattern(4001)),
      (store: ObjectStore) => store.delete(key, { signal: never }),
    ]) {
      const source = cutting([breaks(1000)])
      const { store } = guard(source.store)
      await put(source.memory, pattern(4000))
      const reader = (await open(store)).getReader()
      expect((await reader.read()).value).toEqual(pattern(1000))
      await change(source.memory)
      expect(await thrown(reader.read())).toBeInstanceOf(PreconditionFailed)
    }
  })

  it('ends at once for a caller who leaves while it is being opened again', async () => {
    const source = cutting([breaks(1000)])
    let opened = 0
    const { store } = guard(
      { ...source.store, get: (...of) => (++opened === 1 ? source.store.get(...of) : new Promise(() => {})) },
      { openAttemptMs: 5_000, openDeadlineMs: 5_000 },
    )
    await put(source.memory, pattern(4000))
    const leaving = new AbortController()
    const reader = (await open(store, leaving.signal)).getReader()
    await reader.read()
    const reading = thrown(reader.read())
    await expect.poll(() => opened).toBe(2)
    const reason = new Error('left')
    leaving.abort(reason)
    expect(await reading).toBe(reason)
  })
})

describe('a slow body', () => {
  /** Each source gives `quickBytes` at once before it slows down. */
  const trickling = (pieceBytes: number, everyMs: number, quickBytes = 0) => {
    const source = cutting([])
    const store: ObjectStore = {
      ...source.store,
      async get(of, options) {
        const found = await source.store.get(of, options)
        if (found === undefined) return found
        const bytes = new Uint8Array(await new Response(found.body).arrayBuffer())
        let given = 0
        const body = new ReadableStream<Uint8Array>(
          {
            async pull(controller) {
              if (given >= bytes.length) return controller.close()
              if (given < quickBytes) {
                given = quickBytes
                return controller.enqueue(bytes.slice(0, quickBytes))
              }
              await new Promise((resolve) => setTimeout(resolve, everyMs))
              controller.enqueue(bytes.slice(given, given + pieceBytes))
              given += pieceBytes
            },
          },
          { highWaterMark: 0 },
        )
        return { ...found, body }
      },
    }
    return { ...source, store }
  }
  const floor = { bodyFloorBytesPerSecond: 20_000, bodyFloorWindowMs: 40, bodyIdleMs: 5_000 }

  it('below the floor is asked for anew, and given up when that does not help', async () => {
    const source = trickling(10, 10)
    const { store } = guard(source.store, { ...floor, bodyFailuresMax: 2 })
    await put(source.memory, pattern(4000))
    expect(await thrown(read(store))).toMatchObject({ message: expect.stringMatching(/bytes a second/) })
    expect(source.asked).toHaveLength(3)
  })

  it('may slow down as often as it likes while it moves in between', async () => {
    const source = trickling(10, 10, 1000)
    const { store } = guard(source.store, { ...floor, bodyFailuresMax: 2 })
    await put(source.memory, pattern(6000))
    expect(await read(store)).toEqual(pattern(6000))
    expect(source.asked.length).toBeGreaterThan(4)
  })

  it('above the floor takes the time that it takes, and so does a slow reader', async () => {
    const source = trickling(1000, 5)
    const { store } = guard(source.store, floor)
    await put(source.memory, pattern(20_000))
    let bytes = 0
    for await (const piece of pieces(await open(store))) {
      bytes += piece.length
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    expect(bytes).toBe(20_000)
    expect(source.asked).toHaveLength(1)
  })
})

describe('a body whose checksum was noted', () => {
  it('is given out whole when it is right', async () => {
    const source = cutting([breaks(3)])
    const { store } = guard(source.store)
    await put(source.memory, new TextEncoder().encode('123456789'), 'cbf43926')
    expect(new TextDecoder().decode(await read(store))).toBe('123456789')
    // A part of it cannot be checked, and is not.
    expect(new TextDecoder().decode(await read(store, { offset: 2, length: 3 }))).toBe('345')
  })

  it('never looks complete when it is not', async () => {
    for (const [pieceBytes, gets] of [
      [4, 1],
      [99, 2],
    ] as const) {
      const source = cutting([], pieceBytes)
      const { store, health } = guard(source.store, { circuitCalls: 2, circuitCallsMin: 2, circuitFailuresMax: 0.4 })
      await put(source.memory, new TextEncoder().encode('123456780'), 'cbf43926')
      const body = await open(store)
      const seen: number[] = []
      const error = await thrown(
        (async () => {
          for await (const piece of pieces(body)) seen.push(...piece)
        })(),
      )
      expect(error).toBeInstanceOf(StoreMisbehaved)
      expect(seen.length).toBeLessThan(9)
      // What was damaged on its way is asked for once more, while nothing of it has been given out.
      expect(source.asked).toHaveLength(gets)
      expect(health().data.circuit).toBe('closed')
    }
  })
})
