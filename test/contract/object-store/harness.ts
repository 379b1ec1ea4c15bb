import { expect, it } from 'vitest'
import type { ObjectKey } from '../../../src/ports/object-key.ts'
import { parseObjectKey } from '../../../src/ports/object-key.ts'
import type {
  Checksums,
  ETag,
  ListedObject,
  ObjectStore,
  PutCondition,
  PutOutcome,
  StoreCapabilities,
} from '../../../src/ports/object-store.ts'

/** Known deviations of what stands behind an adapter. Whoever declares one writes the reason beside it. */
export interface StoreGaps {
  /** ETags are made of the bytes alone (MD5 in S3 and R2): two versions with equal bytes share one. */
  readonly contentEtags?: true
  /** A key cannot be an object and the beginning of others at once, as in every folder: `KeyConflict`. */
  readonly keyConflicts?: true
  /** The longest part of a key that the server survives, where it is less than the port's 255. */
  readonly maxSegmentBytes?: number
  /** The server shows objects that are still being overwritten. Then only readers that come after the writer are checked. */
  readonly tornReads?: true
  /** The server gives pages in the order of its folders, and loses or repeats what lies at their edges. Then one page holds all. */
  readonly unorderedPages?: true
  /** The server joins, or dies of, parts it never stored. Then only what needs no server is checked: that there is a part. */
  readonly uncheckedParts?: true
  /** A conditional delete of what is not there is answered as if that version had been deleted: `applied`. */
  readonly absentDeletes?: true
  /** Completing an upload must name every part that it has: `InvalidParts` otherwise. */
  readonly noSpareParts?: true
  /** Completing an aborted upload is answered with a failure of the server, so that nobody knows what came of it: `unknown`. */
  readonly abortedUnanswered?: true
}

export interface OpenStore {
  readonly store: ObjectStore
  readonly other: ObjectStore
  close(): Promise<void>
}

export interface ObjectStoreHarness {
  /** A fresh, empty store, and a second handle onto the same objects: another instance, or the same where that makes no sense. */
  open(): Promise<OpenStore>
  /** What this store is declared to do; the suite also checks that `capabilities()` says the same. */
  readonly supports: StoreCapabilities
  readonly gaps?: StoreGaps
}

export interface PutFacts {
  readonly when?: PutCondition
  readonly contentType?: string
  readonly checksums?: Checksums
  readonly attributes?: Readonly<Record<string, string>>
}

/** One test's store and the few sentences that tests are made of. */
export interface Stage {
  readonly store: ObjectStore
  readonly other: ObjectStore
  readonly supports: StoreCapabilities
  readonly gaps: StoreGaps
  /** Never aborted. */
  readonly signal: AbortSignal
  /** Puts text or bytes, unconditionally unless told otherwise; the condition must hold. */
  put(name: string, body: string | Uint8Array, facts?: PutFacts): Promise<ETag>
  /** The bytes under a name, through the given handle; `undefined` when there are none. */
  read(name: string, from?: ObjectStore): Promise<Uint8Array | undefined>
  readText(name: string, from?: ObjectStore): Promise<string | undefined>
  /** Every object below a prefix, page by page. */
  listAll(prefix: string, limit?: number): Promise<ListedObject[]>
}

export type StoreTest = (name: string, run: (stage: Stage) => Promise<void>) => void

const testTimeoutMs = 60_000

/** `it`, with a fresh store for each test. */
export function storeTests(harness: ObjectStoreHarness): StoreTest {
  return (name, run) => {
    it(name, { timeout: testTimeoutMs }, async () => {
      const { store, other, close } = await harness.open()
      try {
        await run(stageFor(store, other, harness))
      } finally {
        await close()
      }
    })
  }
}

function stageFor(store: ObjectStore, other: ObjectStore, harness: ObjectStoreHarness): Stage {
  const { signal } = new AbortController()
  const read: Stage['read'] = async (name, from = store) => {
    const found = await from.get(key(name), { signal })
    return found && (await readAll(found.body))
  }
  return {
    store,
    other,
    signal,
    supports: harness.supports,
    gaps: harness.gaps ?? {},
    read,
    async put(name, body, { when = 'always', contentType = 'application/octet-stream', ...facts } = {}) {
      return applied(await store.put(key(name), bytes(body), { signal, when, contentType, ...facts }))
    },
    async readText(name, from) {
      const found = await read(name, from)
      return found && new TextDecoder().decode(found)
    },
    async listAll(prefix, limit = 1000) {
      const found: ListedObject[] = []
      let cursor: string | undefined
      do {
        const page = await store.list({ signal, prefix, limit, ...(cursor !== undefined && { cursor }) })
        expect(page.prefixes).toEqual([])
        expect(page.objects.length).toBeLessThanOrEqual(limit)
        found.push(...page.objects)
        cursor = page.cursor
      } while (cursor !== undefined)
      return found
    },
  }
}

export const key = (name: string): ObjectKey => parseObjectKey(name)

export function bytes(body: string | Uint8Array): Uint8Array {
  return typeof body === 'string' ? new TextEncoder().encode(body) : body
}

/** The new version's name; fails the test when the write was not applied. */
export function applied(outcome: PutOutcome): ETag {
  expect(outcome.outcome).toBe('applied')
  if (outcome.outcome !== 'applied') throw new Error('not applied')
  expect(outcome.etag).not.toBe('')
  return outcome.etag
}

export async function readAll(body: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  for await (const piece of body) pieces.push(piece)
  const whole = new Uint8Array(pieces.reduce((sum, { byteLength }) => sum + byteLength, 0))
  let offset = 0
  for (const piece of pieces) {
    whole.set(piece, offset)
    offset += piece.byteLength
  }
  return whole
}

/** Bytes that do not repeat within a part, so that a swapped or shifted piece shows. The same for the same seed. */
export function pattern(sizeBytes: number, seed = 1): Uint8Array {
  const words = new Uint32Array(Math.ceil(sizeBytes / 4))
  let state = seed * 2_654_435_761
  for (let i = 0; i < words.length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    words[i] = state
  }
  return new Uint8Array(words.buffer, 0, sizeBytes)
}

/** Compares megabytes without the cost of a printed difference. */
export function expectSameBytes(actual: Uint8Array | undefined, expected: Uint8Array): void {
  expect(actual?.byteLength).toBe(expected.byteLength)
  expect(actual && firstDifference(actual, expected)).toBe(-1)
}

/** A loop, because megabytes are compared often, and a call for each byte costs ten times as much. */
function firstDifference(actual: Uint8Array, expected: Uint8Array): number {
  for (let i = 0; i < actual.byteLength; i++) if (actual[i] !== expected[i]) return i
  return -1
}

/** Runs `work` over all items, `atOnce` at a time. */
export async function inBatches<Item>(items: readonly Item[], atOnce: number, work: (item: Item) => Promise<unknown>) {
  for (let i = 0; i < items.length; i += atOnce) await Promise.all(items.slice(i, i + atOnce).map(work))
}
