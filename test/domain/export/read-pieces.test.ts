import { describe, expect, it } from 'vitest'
import { createDigests } from '../../../src/adapters/node-crypto/digests.ts'
import { createSystemClock } from '../../../src/adapters/system/clock.ts'
import { localReadAhead, networkReadAhead, type ReadAheadLimits } from '../../../src/domain/export/read-ahead.ts'
import { createReadArchive } from '../../../src/domain/export/read-archive.ts'
import { ExportStale } from '../../../src/domain/export/refusals.ts'
import type { ZipLayout } from '../../../src/domain/export/zip-layout.ts'
import { PreconditionFailed } from '../../../src/ports/errors.ts'
import type { ObjectStore, ReadObject } from '../../../src/ports/object-store.ts'
import { assemble, quiet, type Sample, sampleOf, storeSample } from './sample-archive.ts'

const MiB = 1024 * 1024
const always: ReadAheadLimits = { objects: 5, bytes: 4 * MiB, wholeBytes: MiB, pieces: 'always' }

interface Piecewise extends ObjectStore {
  readonly reads: { now: number; most: number; bytesNow: number; mostBytes: number; total: number }
  readonly gets: () => number
}

/** A store that reads at once, after `serve`. */
function piecewise(store: ObjectStore, serve: (found: ReadObject, nth: number) => Promise<ReadObject>): Piecewise {
  const reads = { now: 0, most: 0, bytesNow: 0, mostBytes: 0, total: 0 }
  let gets = 0
  return {
    ...store,
    reads,
    gets: () => gets,
    get(key, options) {
      gets += 1
      return store.get(key, options)
    },
    async read(key, { maxBytes, ...which }) {
      reads.now += 1
      reads.bytesNow += maxBytes
      reads.total += 1
      reads.most = Math.max(reads.most, reads.now)
      reads.mostBytes = Math.max(reads.mostBytes, reads.bytesNow)
      try {
        const nth = reads.total
        const found = await store.get(key, which)
        return found && (await serve({ ...found, bytes: await new Response(found.body).bytes() }, nth))
      } finally {
        reads.now -= 1
        reads.bytesNow -= maxBytes
      }
    },
  }
}

const later = (ms: number) => async (found: ReadObject) => {
  await new Promise((resolve) => setTimeout(resolve, ms))
  return found
}

const largeAndSmall = (crcKnown = true): Sample =>
  sampleOf([
    { name: 'a', body: new Uint8Array(5 * MiB + 17).map((_, index) => index * 31), crcKnown },
    { name: 'b', body: 'small', crcKnown },
    { name: 'c', body: '', crcKnown },
    { name: 'd', body: new Uint8Array(2 * MiB).map((_, index) => index * 7), crcKnown },
  ])

function archive(
  { store, layout }: { store: ObjectStore; layout: ZipLayout },
  readAhead: ReadAheadLimits,
  { from = 0, toExclusive = layout.lengthBytes } = {},
): ReadableStream<Uint8Array> {
  const read = createReadArchive({ store, digests: createDigests(), clock: createSystemClock(), readAhead })
  return read(layout, { from, toExclusive, signal: quiet, verifyChecksums: false })
}

const bytesOf = async (stream: ReadableStream<Uint8Array>) => Buffer.concat(await Array.fromAsync(stream))

describe('an archive that is read in pieces', () => {
  it('has the same bytes, in every range that begins or ends near the edge of a piece', async () => {
    const sample = largeAndSmall()
    const stored = await storeSample(sample)
    const store = piecewise(stored.store, later(0))
    const whole = assemble(sample)
    const edges = [0, MiB, 2 * MiB + 40, 5 * MiB + 60, whole.byteLength - 30]
    for (const from of edges) {
      for (const to of edges.filter((edge) => edge > from)) {
        const bytes = await bytesOf(archive({ ...stored, store }, always, { from, toExclusive: to }))
        expect(bytes.equals(whole.subarray(from, to)), `${from} to ${to}`).toBe(true)
      }
    }
    expect((await bytesOf(archive({ ...stored, store }, always))).equals(whole)).toBe(true)
    expect(store.gets()).toBe(0)
  })

  it('asks for several pieces of one object at once, and for no more than may be held', async () => {
    const stored = await storeSample(largeAndSmall())
    const store = piecewise(stored.store, later(5))
    await bytesOf(archive({ ...stored, store }, always))
    expect(store.reads.most).toBeGreaterThanOrEqual(4)
    expect(store.reads.most).toBeLessThanOrEqual(always.objects)
    expect(store.reads.mostBytes).toBeLessThanOrEqual(always.bytes + MiB)
    expect(store.reads.total).toBe(6 + 1 + 2)
  })

  it('is not divided where a checksum has to be computed, and has the right one', async () => {
    const sample = largeAndSmall(false)
    const stored = await storeSample(sample)
    const store = piecewise(stored.store, later(0))
    expect((await bytesOf(archive({ ...stored, store }, always))).equals(assemble(sample))).toBe(true)
    expect(store.gets()).toBe(2)
  })

  it('breaks when an object is replaced between two pieces', async () => {
    const stored = await storeSample(largeAndSmall())
    const store = piecewise(stored.store, async (found, nth) => {
      if (nth === 3) throw new PreconditionFailed('replaced')
      return found
    })
    await expect(bytesOf(archive({ ...stored, store }, always))).rejects.toBeInstanceOf(ExportStale)
  })

  it('ends every read that is under way when its reader leaves', async () => {
    const stored = await storeSample(largeAndSmall())
    const aborted: number[] = []
    const store: ObjectStore = {
      ...stored.store,
      read: (_key, { signal }) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => {
            aborted.push(performance.now())
            reject(signal.reason)
          })
        }),
    }
    const reader = archive({ ...stored, store }, always).getReader()
    const reading = reader.read().catch(() => undefined)
    // The header of the first entry waits to travel with its bytes.
    await new Promise((resolve) => setTimeout(resolve, 5))
    await reader.cancel('left')
    await reading
    expect(aborted.length).toBeGreaterThanOrEqual(4)
  })
})

describe('an archive over a network', () => {
  const sample = sampleOf([{ name: 'large', body: new Uint8Array(24 * MiB).map((_, index) => index * 13) }])

  it('is read as a stream where that is fast', async () => {
    const stored = await storeSample(sample)
    const store = piecewise(stored.store, later(0))
    expect((await bytesOf(archive({ ...stored, store }, networkReadAhead))).equals(assemble(sample))).toBe(true)
    expect(store.reads.total).toBe(0)
    expect(store.gets()).toBe(2)
  })

  it('is read in pieces, several at once, as soon as a stream is seen to be slow', async () => {
    const stored = await storeSample(sample)
    const slow: ObjectStore = { ...stored.store, get: async (key, which) => slowed(await stored.store.get(key, which)) }
    const store = { ...piecewise(stored.store, later(5)), get: slow.get }
    expect((await bytesOf(archive({ ...stored, store }, networkReadAhead))).equals(assemble(sample))).toBe(true)
    expect(store.reads.total).toBe(8)
    expect(store.reads.most).toBeGreaterThanOrEqual(4)
  })

  it('is never divided where nothing is gained by it', async () => {
    const stored = await storeSample(sample)
    const store = piecewise(stored.store, later(0))
    await bytesOf(archive({ ...stored, store }, localReadAhead))
    expect({ reads: store.reads.total, gets: store.gets() }).toEqual({ reads: 0, gets: 1 })
  })
})

/** A quarter of a megabyte every twenty milliseconds. */
function slowed<Found extends { readonly body: ReadableStream<Uint8Array> } | undefined>(found: Found): Found {
  if (found === undefined) return found
  const drip = new TransformStream<Uint8Array, Uint8Array>({
    async transform(chunk, controller) {
      for (let at = 0; at < chunk.byteLength; at += MiB / 4) {
        await new Promise((resolve) => setTimeout(resolve, 20))
        controller.enqueue(chunk.subarray(at, at + MiB / 4))
      }
    },
  })
  return { ...found, body: found.body.pipeThrough(drip) }
}
