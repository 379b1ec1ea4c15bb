import { describe, expect } from 'vitest'
import { PreconditionFailed, RangeNotSatisfiable, StoreMisbehaved } from '../../../src/ports/errors.ts'
import type { ETag, ObjectStore, Range, ReadObject } from '../../../src/ports/object-store.ts'
import { expectSameBytes, key, pattern, readAll, type StoreTest } from './harness.ts'

const sizeBytes = 700_001
const last = sizeBytes - 1

const satisfiable: [what: string, range: Range, offset: number, lengthBytes: number][] = [
  ['the first byte', { offset: 0, length: 1 }, 0, 1],
  ['the last byte', { offset: last, length: 1 }, last, 1],
  ['the middle', { offset: 262_143, length: 262_146 }, 262_143, 262_146],
  ['exactly everything', { offset: 0, length: sizeBytes }, 0, sizeBytes],
  ['an open end', { offset: 699_000 }, 699_000, 1001],
  ['an open end from the start', { offset: 0 }, 0, sizeBytes],
  ['an end behind the end', { offset: 700_000, length: 5_000_000 }, 700_000, 1],
  ['a suffix', { suffixLength: 10 }, sizeBytes - 10, 10],
  ['a suffix of everything', { suffixLength: sizeBytes }, 0, sizeBytes],
  ['a suffix that is larger', { suffixLength: sizeBytes + 1 }, 0, sizeBytes],
]

export function describeRanges(test: StoreTest): void {
  describe('a ranged get', () => {
    test('gives exactly the bytes asked for, at every edge', async ({ store, put, signal }) => {
      const body = pattern(sizeBytes)
      const etag = await put('r', body)
      for (const [what, range, offset, lengthBytes] of satisfiable) {
        const got = await store.get(key('r'), { signal, range })
        expect(got, what).toMatchObject({ offset, lengthBytes, meta: { sizeBytes, etag } })
        expectSameBytes(got && (await readAll(got.body)), body.subarray(offset, offset + lengthBytes))
      }
    })

    test('gives the same at once, to those who want it whole', async ({ store, put, signal }) => {
      const body = pattern(sizeBytes)
      const etag = await put('r', body)
      const every: typeof satisfiable = [...satisfiable, ['all', { offset: 0 }, 0, sizeBytes]]
      for (const [what, range, offset, lengthBytes] of every) {
        const found = await readAtOnce(store, 'r', { signal, range, ifMatch: etag, maxBytes: sizeBytes })
        expect(found, what).toMatchObject({ offset, meta: { sizeBytes, etag } })
        expectSameBytes(found?.bytes, body.subarray(offset, offset + lengthBytes))
      }
      await put('empty', '')
      const whole = await readAtOnce(store, 'r', { signal, maxBytes: sizeBytes })
      expectSameBytes(whole?.bytes, body)
      expect(await readAtOnce(store, 'empty', { signal, maxBytes: 1 })).toMatchObject({ meta: { sizeBytes: 0 } })
      expect(await readAtOnce(store, 'gone', { signal, maxBytes: 1 })).toBeUndefined()
    })

    test('holds no more at once than it may, and nothing of another version', async ({ store, put, signal }) => {
      const before = await put('r', 'version 1')
      await expect(readAtOnce(store, 'r', { signal, maxBytes: 8 })).rejects.toBeInstanceOf(StoreMisbehaved)
      await put('r', 'version 2')
      await expect(readAtOnce(store, 'r', { signal, ifMatch: before, maxBytes: 9 })).rejects.toBeInstanceOf(
        PreconditionFailed,
      )
      await expect(
        readAtOnce(store, 'r', { signal, range: { offset: 9, length: 1 }, maxBytes: 9 }),
      ).rejects.toBeInstanceOf(RangeNotSatisfiable)
    })

    test('refuses to begin at or behind the end', async ({ store, put, signal }) => {
      await put('r', 'abc')
      await put('empty', '')
      const refused: [string, number, Range][] = [
        ['r', 3, { offset: 3 }],
        ['r', 3, { offset: 3, length: 1 }],
        ['r', 3, { offset: 4_000_000_000 }],
        ['empty', 0, { offset: 0 }],
        ['empty', 0, { offset: 0, length: 1 }],
        ['empty', 0, { suffixLength: 1 }],
      ]
      for (const [name, size, range] of refused) {
        const error = await store.get(key(name), { signal, range }).then(
          () => undefined,
          (thrown: unknown) => thrown,
        )
        expect(error, `${name} ${JSON.stringify(range)}`).toBeInstanceOf(RangeNotSatisfiable)
        expect(error).toMatchObject({ sizeBytes: size })
      }
    })

    test('reads one version only, when told which', async ({ store, other, put, signal }) => {
      const before = await put('r', 'version 1')
      const got = await store.get(key('r'), { signal, ifMatch: before, range: { offset: 8 } })
      expect(got && (await readAll(got.body))).toEqual(new TextEncoder().encode('1'))
      const after = await put('r', 'version 2')
      for (const handle of [store, other]) {
        await expect(handle.get(key('r'), { signal, ifMatch: before })).rejects.toBeInstanceOf(PreconditionFailed)
        await expect(
          handle.get(key('r'), { signal, ifMatch: before, range: { offset: 0, length: 1 } }),
        ).rejects.toBeInstanceOf(PreconditionFailed)
        const now = await handle.get(key('r'), { signal, ifMatch: after })
        expect(now && (await readAll(now.body))).toEqual(new TextEncoder().encode('version 2'))
      }
      expect(await store.get(key('gone'), { signal, ifMatch: before as ETag })).toBeUndefined()
    })
  })
}

/** As `read`; of a store that has none, what it would have to be. */
async function readAtOnce(
  store: ObjectStore,
  name: string,
  options: Parameters<NonNullable<ObjectStore['read']>>[1],
): Promise<ReadObject | undefined> {
  if (store.read !== undefined) return store.read(key(name), options)
  const { maxBytes, ...which } = options
  const found = await store.get(key(name), which)
  if (found === undefined) return undefined
  if (found.lengthBytes <= maxBytes) return { ...found, bytes: await readAll(found.body) }
  await found.body.cancel()
  throw new StoreMisbehaved('more than may be held')
}
