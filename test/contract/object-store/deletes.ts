import { describe, expect } from 'vitest'
import { UnsupportedByStore } from '../../../src/ports/errors.ts'
import { inBatches, key, type ObjectStoreHarness, type StoreTest } from './harness.ts'

export function describeDeletes(test: StoreTest, { supports }: ObjectStoreHarness): void {
  describe('a delete', () => {
    test('removes the object and nothing else, and is content when there was none', async (stage) => {
      const { store, other, put, readText, listAll, signal } = stage
      await put('folder/k', 'x')
      await put('folder/k2', 'y')
      for (const handle of [store, other, store]) {
        expect(await handle.delete(key('folder/k'), { signal })).toEqual({ outcome: 'applied' })
        expect(await other.head(key('folder/k'), { signal })).toBeUndefined()
      }
      expect(await store.delete(key('folder'), { signal })).toEqual({ outcome: 'applied' })
      expect(await store.delete(key('never/was/here'), { signal })).toEqual({ outcome: 'applied' })
      expect((await listAll('')).map((found) => found.key)).toEqual(['folder/k2'])
      expect(await readText('folder/k2')).toBe('y')
    })

    test('leaves no empty folder behind in listings', async ({ store, put, signal }) => {
      await put('a/b/c/d', 'x')
      await put('z', 'x')
      await store.delete(key('a/b/c/d'), { signal })
      const page = await store.list({ signal, prefix: '', delimiter: '/', limit: 10 })
      expect(page).toMatchObject({ objects: [{ key: 'z' }], prefixes: [], cursor: undefined })
      await put('a', 'a file where a folder was')
    })

    if (supports.conditionalDelete === 'none') {
      test('with a condition is refused and removes nothing', async ({ store, put, readText, signal }) => {
        const etag = await put('k', 'x')
        await expect(store.delete(key('k'), { signal, ifMatch: etag })).rejects.toBeInstanceOf(UnsupportedByStore)
        expect(await readText('k')).toBe('x')
      })
    } else {
      test('with a condition removes that version and no other', async (stage) => {
        const { store, other, put, readText, signal, gaps } = stage
        const first = await put('k', 'first')
        const second = await put('k', 'second')
        expect(await other.delete(key('k'), { signal, ifMatch: first })).toEqual({ outcome: 'rejected' })
        expect(await readText('k')).toBe('second')
        expect(await other.delete(key('k'), { signal, ifMatch: second })).toEqual({ outcome: 'applied' })
        expect(await readText('k')).toBeUndefined()
        const outcome = gaps.absentDeletes ? 'applied' : 'rejected'
        expect(await store.delete(key('k'), { signal, ifMatch: second })).toEqual({ outcome })
      })
    }
  })

  describe('a delete of many', () => {
    test('gives one result for each key, in order, whether it was there or not', async (stage) => {
      const { store, put, listAll, signal } = stage
      const present = Array.from({ length: 25 }, (_, i) => `shared/folder/${i} &<>"'.txt`)
      await inBatches([...present, 'shared/stays', 'other'], 9, (name) => put(name, name))
      const keys = [...present.slice(12), 'absent', 'shared/folder/absent', ...present.slice(0, 12)].map(key)
      const results = await store.deleteMany(keys, { signal })
      expect(results).toEqual(keys.map((each) => ({ key: each, error: undefined })))
      expect((await listAll('')).map((found) => found.key)).toEqual(['other', 'shared/stays'])
    })

    test('takes more keys than one request can, and none at all', async ({ store, put, listAll, signal }) => {
      await put('k1100', 'x')
      const keys = Array.from({ length: 1201 }, (_, i) => key(`k${i}`))
      const results = await store.deleteMany(keys, { signal })
      expect(results.map((result) => result.key)).toEqual(keys)
      expect(results.filter((result) => result.error !== undefined)).toEqual([])
      expect(await listAll('')).toEqual([])
      expect(await store.deleteMany([], { signal })).toEqual([])
    })
  })
}
