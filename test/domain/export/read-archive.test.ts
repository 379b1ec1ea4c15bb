import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createDigests } from '../../../src/adapters/node-crypto/digests.ts'
import { createSystemClock } from '../../../src/adapters/system/clock.ts'
import type { LearnedChecksums } from '../../../src/domain/export/entry-checksums.ts'
import { missingChecksums } from '../../../src/domain/export/missing-checksums.ts'
import { localReadAhead, type ReadAheadLimits } from '../../../src/domain/export/read-ahead.ts'
import { createReadArchive, type ReadArchiveOptions } from '../../../src/domain/export/read-archive.ts'
import { ExportChecksumMissing, ExportCorrupt, ExportStale } from '../../../src/domain/export/refusals.ts'
import type { ZipLayout } from '../../../src/domain/export/zip-layout.ts'
import {
  PreconditionFailed,
  RangeNotSatisfiable,
  StoreMisbehaved,
  StoreUnavailable,
} from '../../../src/ports/errors.ts'
import type { ObjectStore, StoredObject } from '../../../src/ports/object-store.ts'
import { assemble, mixedFiles, quiet, type Sample, sampleKey, sampleOf, storeSample, utf8 } from './sample-archive.ts'
import { bodyOf, watch } from './watched-store.ts'

const MiB = 1024 * 1024

function read(
  { store, layout }: { store: ObjectStore; layout: ZipLayout },
  options: Partial<ReadArchiveOptions> & { readAhead?: Partial<ReadAheadLimits> } = {},
): ReadableStream<Uint8Array> {
  const readArchive = createReadArchive({
    store,
    digests: createDigests(),
    clock: createSystemClock(),
    readAhead: { ...localReadAhead, ...options.readAhead },
  })
  return readArchive(layout, {
    from: 0,
    toExclusive: layout.lengthBytes,
    signal: quiet,
    verifyChecksums: true,
    ...options,
  })
}

const bytesOf = async (stream: ReadableStream<Uint8Array>) => Buffer.concat(await Array.fromAsync(stream))
/** All is known beforehand, by the place of the entry. */
const knowing = (crcs: readonly number[]): LearnedChecksums => ({
  crc32: (index) => crcs[index],
  told: () => {},
  follow: () => () => {},
  find: (index) => Promise.reject(new ExportChecksumMissing([index])),
  keepUp: async () => {},
  end: async () => {},
})
const random = (sizeBytes: number) => {
  const bytes = new Uint8Array(sizeBytes)
  for (let i = 0; i < sizeBytes; i += 65_536) crypto.getRandomValues(bytes.subarray(i, i + 65_536))
  return bytes
}
const files = (sizes: readonly number[], crcKnown = true) =>
  sampleOf(sizes.map((sizeBytes, index) => ({ name: `${index}.bin`, body: random(sizeBytes), crcKnown })))

/** Reads until the stream ends or breaks: the bytes that came, and the error. A clean end has none. */
async function outcome(stream: ReadableStream<Uint8Array>): Promise<{ bytes: number; error: unknown }> {
  let bytes = 0
  try {
    for await (const chunk of stream) bytes += chunk.byteLength
    return { bytes, error: undefined }
  } catch (error) {
    return { bytes, error }
  }
}

const until = async (holds: () => boolean) => {
  for (let i = 0; i < 500 && !holds(); i++) await new Promise((resolve) => setTimeout(resolve, 2))
  expect(holds()).toBe(true)
}

describe('reading an archive', () => {
  it('gives the bytes of the layout, whatever is known of the checksums', async () => {
    const sample = sampleOf(mixedFiles)
    expect((await bytesOf(read(await storeSample(sample)))).equals(assemble(sample))).toBe(true)
  })

  it('gives every range from its start and to its end, and refuses what it cannot know', async () => {
    const sample = sampleOf(mixedFiles)
    const stored = await storeSample(sample)
    const whole = assemble(sample)
    const learned = knowing(sample.crcs)
    for (let cut = 0; cut <= whole.byteLength; cut++) {
      const head = { toExclusive: cut }
      if (missingChecksums(stored.layout, { from: 0, to: cut }).length > 0) {
        expect(() => read(stored, head)).toThrow(ExportChecksumMissing)
        expect((await bytesOf(read(stored, { ...head, learned }))).equals(whole.subarray(0, cut))).toBe(true)
      } else expect((await bytesOf(read(stored, head))).equals(whole.subarray(0, cut))).toBe(true)
      const tail = await bytesOf(read(stored, { from: cut, learned }))
      expect(tail.equals(whole.subarray(cut))).toBe(true)
    }
  })

  it('gives any range of an archive of small and large objects', async () => {
    const sample = files([10, 3 * MiB, 0, 700_000, 2 * MiB, 5])
    const stored = await storeSample(sample)
    const whole = assemble(sample)
    const position = fc.nat({ max: whole.byteLength })
    await fc.assert(
      fc.asyncProperty(position, position, async (a, b) => {
        const [from, toExclusive] = [Math.min(a, b), Math.max(a, b)]
        const got = await bytesOf(read(stored, { from, toExclusive }))
        expect(got.equals(whole.subarray(from, toExclusive))).toBe(true)
      }),
      { numRuns: 30 },
    )
  })

  it('lets local headers wait for the bytes behind them, however little may be read ahead', async () => {
    const sizes = [5, 100, 0, 3_000, 1, 70_000, 2]
    const sample = sampleOf(
      sizes.map((sizeBytes, index) => ({ name: `${index}`, body: random(sizeBytes), crcKnown: 'awaited' as const })),
    )
    const stored = await storeSample(sample)
    const whole = assemble(sample)
    const limit = fc.integer({ min: 1, max: 4_000 })
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 3 }), limit, limit, async (objects, bytes, wholeBytes) => {
        const store = watch(stored.store)
        const got = await bytesOf(read({ ...stored, store }, { readAhead: { objects, bytes, wholeBytes } }))
        expect(got.equals(whole)).toBe(true)
        expect(store.asked).toHaveLength(sizes.filter((sizeBytes) => sizeBytes > 0).length)
      }),
      { numRuns: 30 },
    )
  })

  it('breaks before a local header whose bytes do not come', async () => {
    const sample = sampleOf(['first', 'second'].map((name) => ({ name, body: name, crcKnown: 'awaited' as const })))
    const stored = await storeSample(sample)
    const store = watch(stored.store, (found, key) =>
      key === sampleKey(1) ? { ...found, body: bodyOf([utf8('sec')], 'error') } : found,
    )
    const { bytes, error } = await outcome(read({ ...stored, store }))
    expect(error).toEqual(new Error('connection reset'))
    expect(bytes).toBeLessThanOrEqual(stored.layout.localOffsets[1] ?? 0)
  })

  it('takes the checksum that comes with an object, and computes it where none does', async () => {
    const sample = sampleOf(['told', 'silent'].map((name) => ({ name, body: name, crcKnown: 'awaited' as const })))
    const stored = await storeSample(sample)
    const store = watch(stored.store, (found, key) => {
      const checksums = key === sampleKey(0) ? { crc32: '12345678', sha256: '' } : undefined
      return { ...found, meta: { ...found.meta, checksums } }
    })
    const zip = await bytesOf(read({ ...stored, store }, { verifyChecksums: false }))
    const headers = [0, 1].map((index) => zip.readUInt32LE((stored.layout.localOffsets[index] ?? 0) + 14))
    expect(headers).toEqual([0x12345678, sample.crcs[1]])
  })

  it('asks for each object once, in order, and for the part that is wanted only', async () => {
    const sample = files([50, 2 * MiB, 60, 70])
    const stored = await storeSample(sample)
    const store = watch(stored.store)
    await bytesOf(read({ ...stored, store }))
    expect(store.asked).toEqual([0, 1, 2, 3].map(sampleKey))
    const later = watch(stored.store)
    await bytesOf(read({ ...stored, store: later }, { from: MiB }))
    expect(later.asked).toEqual([1, 2, 3].map(sampleKey))
    expect(later.bytesSent()).toBeLessThan(MiB + 300)
  })

  it('reads nothing before the first pull, and for no bytes nothing at all', async () => {
    const stored = await storeSample(files([50, 60]))
    const store = watch(stored.store)
    const stream = read({ ...stored, store })
    expect(await bytesOf(read({ ...stored, store }, { toExclusive: 0 }))).toHaveLength(0)
    await new Promise((resolve) => setTimeout(resolve, 5))
    expect(store.asked).toEqual([])
    await stream.cancel()
    expect(store.asked).toEqual([])
  })

  it('joins small neighbours and gives no empty chunk, whatever the store sends', async () => {
    const sample = files([20_000, 20_000, 20_000, 20_000, 2 * MiB])
    const stored = await storeSample(sample)
    const store = watch(stored.store, async (found) => {
      const bytes = Buffer.from(await new Response(found.body).arrayBuffer())
      return { ...found, body: bodyOf([utf8(''), bytes.subarray(0, 7), utf8(''), bytes.subarray(7), utf8('')]) }
    })
    const chunks = await Array.fromAsync(read({ ...stored, store }))
    expect(Buffer.concat(chunks).equals(assemble(sample))).toBe(true)
    expect(chunks.every(({ byteLength }) => byteLength > 0)).toBe(true)
    expect(chunks.length).toBeLessThan(8)
  })
})

describe('reading ahead', () => {
  it('hides the latency of the store', async () => {
    const stored = await storeSample(files(new Array<number>(64).fill(100)))
    const store = watch(stored.store, async (found) => {
      await new Promise((resolve) => setTimeout(resolve, 20))
      return found
    })
    const started = performance.now()
    await bytesOf(read({ ...stored, store }))
    expect(performance.now() - started).toBeLessThan((64 * 20) / 4)
    expect(store.open.most).toBe(16)
  })

  it('never has more objects open than the limit says, be it one', async () => {
    const sample = files([10, 20, 2 * MiB, 30, 2 * MiB, 40])
    const stored = await storeSample(sample)
    for (const objects of [1, 2, 5]) {
      const store = watch(stored.store)
      const bytes = await bytesOf(read({ ...stored, store }, { readAhead: { objects, bytes: MiB } }))
      expect(bytes.equals(assemble(sample))).toBe(true)
      expect(store.open.most).toBeLessThanOrEqual(objects)
    }
  })

  it('holds no more bytes than the limit says while nobody pulls', async () => {
    const stored = await storeSample(files(new Array<number>(12).fill(MiB)))
    const store = watch(stored.store)
    const reader = read({ ...stored, store }, { readAhead: { objects: 16, bytes: 3 * MiB } }).getReader()
    await reader.read()
    await until(() => store.bytesSent() >= 2 * MiB && store.open.now === 0)
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(store.bytesSent()).toBeLessThanOrEqual(3 * MiB)
    await reader.cancel()
  })

  it('streams a large object, and opens what follows near its end only', async () => {
    const stored = await storeSample(files([12 * MiB, 10, 8 * MiB]))
    const store = watch(stored.store)
    const reader = read({ ...stored, store }, { readAhead: { objects: 16, bytes: 4 * MiB } }).getReader()
    let received = 0
    const receive = async (upTo: number) => {
      while (received < upTo) received += (await reader.read()).value?.byteLength ?? 0
    }
    await receive(7 * MiB)
    expect(store.asked).toEqual([sampleKey(0)])
    expect(store.bytesSent()).toBeLessThan(received + MiB)
    await receive(9 * MiB)
    expect(store.asked).toEqual([0, 1, 2].map(sampleKey))
    expect(store.bytesSent()).toBeLessThan(received + MiB)
    await reader.cancel()
    expect(store.open.now).toBe(0)
  })
})

describe('an object that is not what the manifest says', () => {
  const sample = files([100, 200, 2 * MiB, 300])

  it.each([
    ['small', 1],
    ['large', 2],
  ])('makes the archive stale when it was deleted: %s', async (_, index) => {
    const stored = await storeSample(sample)
    await stored.store.delete(sampleKey(index), { signal: quiet })
    expect((await outcome(read(stored))).error).toBeInstanceOf(ExportStale)
  })

  it.each([
    ['small', 1],
    ['large', 2],
  ])('makes the archive stale when it was replaced: %s', async (_, index) => {
    const stored = await storeSample(sample)
    const body = sample.bodies[index] ?? new Uint8Array()
    await stored.store.put(sampleKey(index), body, { contentType: 'x/y', when: 'always', signal: quiet })
    expect((await outcome(read(stored))).error).toBeInstanceOf(ExportStale)
    const heedless: ObjectStore = {
      ...stored.store,
      get: (key, { ifMatch: _, ...options }) => stored.store.get(key, options),
    }
    expect((await outcome(read({ ...stored, store: heedless }))).error).toBeInstanceOf(ExportStale)
  })

  it.each([
    ['small', 1],
    ['large', 2],
  ])('makes the archive stale when it was replaced while its bytes came: %s', async (_, index) => {
    const stored = await storeSample(sample)
    const goneVersion = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(utf8('abc')),
      pull: (controller) => controller.error(new PreconditionFailed('another version is stored')),
    })
    const store = watch(stored.store, (found, key) =>
      key === sampleKey(index) ? { ...found, body: goneVersion } : found,
    )
    expect((await outcome(read({ ...stored, store }))).error).toBeInstanceOf(ExportStale)
    expect(store.open.now).toBe(0)
  })

  it('makes the archive stale when it has become shorter than the range', async () => {
    const stored = await storeSample(sample)
    const store: ObjectStore = { ...stored.store, get: () => Promise.reject(new RangeNotSatisfiable(1)) }
    expect((await outcome(read({ ...stored, store }, { from: 70 }))).error).toBeInstanceOf(ExportStale)
  })

  it.each([
    [0, 'all bytes'],
    [1, 'small'],
    [2, 'large'],
  ])('breaks the stream when it sends fewer or more bytes, never ends it: %i', async (index) => {
    const stored = await storeSample(sample)
    const body = Buffer.from(sample.bodies[index] ?? [])
    for (const sent of [body.subarray(0, -1), Buffer.concat([body, utf8('x')]), Buffer.alloc(0)]) {
      const store = watch(stored.store, (found, key) =>
        key === sampleKey(index) ? { ...found, body: bodyOf([sent]) } : found,
      )
      const { error, bytes } = await outcome(read({ ...stored, store }))
      expect(error).toBeInstanceOf(StoreMisbehaved)
      expect(bytes).toBeLessThan(stored.layout.lengthBytes)
      expect(store.open.now).toBe(0)
    }
  })

  it('breaks the stream when another range comes than was asked for', async () => {
    const stored = await storeSample(sample)
    const other = (found: StoredObject) => ({ ...found, offset: found.offset + 1 })
    const store = watch(stored.store, other)
    expect((await outcome(read({ ...stored, store }))).error).toBeInstanceOf(StoreMisbehaved)
    expect(store.open.now).toBe(0)
  })

  it('passes on what the store throws, before a body and inside it', async () => {
    const stored = await storeSample(sample)
    const down: ObjectStore = { ...stored.store, get: () => Promise.reject(new StoreUnavailable('down')) }
    expect((await outcome(read({ ...stored, store: down }))).error).toBeInstanceOf(StoreUnavailable)
    for (const broken of [0, 1, 2, 3].map(sampleKey)) {
      const store = watch(stored.store, (found, key) =>
        key === broken ? { ...found, body: bodyOf([utf8('abc')], 'error') } : found,
      )
      expect((await outcome(read({ ...stored, store }))).error).toEqual(new Error('connection reset'))
      expect(store.open.now).toBe(0)
    }
  })
})

describe('checksums of an archive', () => {
  const sample = files([100, 2 * MiB, 300])
  const spoiled = async (): Promise<Awaited<ReturnType<typeof storeSample>> & { whole: Uint8Array }> => {
    const { layout, store } = await storeSample(sample)
    const wrong = layout.entries.map((entry, index) => (index === 0 ? entry : { ...entry, crc32: 1 }))
    return {
      layout: { ...layout, entries: wrong },
      store,
      whole: assemble({ ...sample, layout: { ...layout, entries: wrong } }),
    }
  }

  it('are verified on request, of whole objects', async () => {
    const { whole, ...stored } = await spoiled()
    expect((await outcome(read(stored))).error).toBeInstanceOf(ExportCorrupt)
    expect((await outcome(read(stored, { from: 2 * MiB + 100 }))).error).toBeInstanceOf(ExportCorrupt)
    const unverified = await bytesOf(read(stored, { verifyChecksums: false }))
    expect(unverified.equals(whole)).toBe(true)
  })

  it('are computed where they are unknown, and verified where they were learned', async () => {
    const unknown = files([100, 2 * MiB, 0, 300], false)
    const stored = await storeSample(unknown)
    const whole = assemble(unknown)
    expect((await bytesOf(read(stored))).equals(whole)).toBe(true)
    const rest = await bytesOf(read(stored, { from: MiB, learned: knowing(unknown.crcs) }))
    expect(rest.equals(whole.subarray(MiB))).toBe(true)
    const wrong = knowing(unknown.crcs.with(3, 1))
    expect((await outcome(read(stored, { learned: wrong }))).error).toBeInstanceOf(ExportCorrupt)
  })

  it('are found out when their turn comes, and the end is told however it ends', async () => {
    const unknown = files([100, 2 * MiB, 300], false)
    const stored = await storeSample(unknown)
    const found: number[] = []
    let ends = 0
    const learned: LearnedChecksums = {
      ...knowing([]),
      async find(index) {
        found.push(index)
        return unknown.crcs[index] ?? 0
      },
      keepUp: async () => {},
      async end() {
        ends += 1
      },
    }
    const bytes = await bytesOf(read(stored, { from: 200, learned }))
    expect(bytes.equals(assemble(unknown, 200))).toBe(true)
    expect(found).toEqual([1, 2, 0, 1, 2])
    expect(ends).toBe(1)
    const reader = read(stored, { learned }).getReader()
    await reader.read()
    await reader.cancel()
    expect(ends).toBe(2)
    await stored.store.delete(sampleKey(1), { signal: quiet })
    await outcome(read(stored, { learned }))
    expect(ends).toBe(3)
  })

  it('that are being found out do not hold whoever leaves', async () => {
    const unknown = files([100, 300], false)
    const stored = await storeSample(unknown)
    const left = Promise.withResolvers<unknown>()
    const learned: LearnedChecksums = {
      ...knowing([]),
      find: (_, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            left.resolve(signal.reason)
            reject(signal.reason)
          })
        }),
    }
    const reader = read(stored, { from: 60, learned }).getReader()
    const first = reader.read().catch(() => undefined)
    await new Promise((resolve) => setTimeout(resolve, 5))
    const gone = new Error('gone')
    await reader.cancel(gone)
    expect(await left.promise).toBe(gone)
    await first
  })

  it('that are missing are refused before the first byte, by name', async () => {
    const unknown: Sample = files([100, 200, 300], false)
    const stored = await storeSample(unknown)
    const attempt = () => read(stored, { from: 250 })
    expect(attempt).toThrow(ExportChecksumMissing)
    expect(attempt).toThrow(expect.objectContaining({ entryIndexes: [0, 1] }))
    expect(() => read(stored, { from: 5, toExclusive: stored.layout.lengthBytes + 1 })).toThrow(RangeError)
  })
})

describe('leaving', () => {
  const hanging = (found: StoredObject): StoredObject => ({ ...found, body: bodyOf([utf8('abc')], 'hang') })

  it.each([
    ['small ones', [100, 200, 300]],
    ['a large one', [2 * MiB, 300]],
  ])('by cancelling ends every reading at once, also of bodies that hang: %s', async (_, sizes) => {
    const stored = await storeSample(files(sizes))
    const store = watch(stored.store, hanging)
    const reader = read({ ...stored, store }).getReader()
    const first = reader.read()
    await until(() => store.open.now > 0)
    await reader.cancel(new Error('gone'))
    expect(store.open.now).toBe(0)
    expect(await first.catch(() => undefined)).toMatchObject({ done: true })
  })

  it('by cancelling between two chunks frees what was opened ahead', async () => {
    const stored = await storeSample(files([3 * MiB, 3 * MiB, 3 * MiB]))
    const store = watch(stored.store)
    const reader = read({ ...stored, store }).getReader()
    await reader.read()
    await until(() => store.open.now === 2)
    await reader.cancel()
    await until(() => store.open.now === 0)
  })

  it('by cancelling while a local header waits for its bytes frees what was opened', async () => {
    const stored = await storeSample(sampleOf([{ name: 'waits', body: 'never comes', crcKnown: 'awaited' }]))
    const store = watch(stored.store, (found) => ({ ...found, body: bodyOf([], 'hang') }))
    const reader = read({ ...stored, store }).getReader()
    const first = reader.read().catch(() => {})
    await until(() => store.open.now === 1)
    await reader.cancel()
    await until(() => store.open.now === 0)
    await first
  })

  it('by aborting the signal breaks the stream with its reason, and frees all even when nobody pulls', async () => {
    const stored = await storeSample(files([3 * MiB, 3 * MiB, 3 * MiB]))
    const store = watch(stored.store)
    const request = new AbortController()
    const reader = read({ ...stored, store }, { signal: request.signal }).getReader()
    await reader.read()
    await until(() => store.open.now === 2)
    request.abort(new Error('client left'))
    await until(() => store.open.now === 0)
    await expect(reader.read()).rejects.toThrow('client left')
  })

  it('before the first pull reads nothing', async () => {
    const stored = await storeSample(files([100]))
    const store = watch(stored.store)
    const { error } = await outcome(read({ ...stored, store }, { signal: AbortSignal.abort(new Error('too late')) }))
    expect(error).toEqual(new Error('too late'))
    expect(store.asked).toEqual([])
  })

  it('ends a get that only its signal ends, and one that answers after all', async () => {
    const stored = await storeSample(files([100, 2 * MiB]))
    const signals: AbortSignal[] = []
    const late: (() => void)[] = []
    const store = watch({
      ...stored.store,
      async get(key, options) {
        signals.push(options.signal)
        await new Promise<void>((resolve) => late.push(resolve))
        return await stored.store.get(key, { ...options, signal: quiet })
      },
    })
    const reader = read({ ...stored, store }).getReader()
    const pending = reader.read()
    await until(() => signals.length === 2)
    const left = reader.cancel(new Error('gone'))
    expect(signals.every(({ aborted }) => aborted)).toBe(true)
    for (const answer of late) answer()
    await left
    await pending
    await until(() => store.open.now === 0)
  })
})
