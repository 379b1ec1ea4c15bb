import { describe, expect } from 'vitest'
import type { ETag } from '../../../src/ports/object-store.ts'
import { applied, bytes, expectSameBytes, key, pattern, readAll, type StoreTest } from './harness.ts'

const MiB = 2 ** 20

const facts = {
  contentType: 'image/png',
  checksums: { crc32: '352441c2', sha256: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad' },
  attributes: { 'source-name': 'a%20b;c="d"', run: '7' },
}

export function describeRoundTrip(test: StoreTest): void {
  describe('a round trip', () => {
    test('declares what it can do', async ({ store, supports, signal }) => {
      expect(await store.capabilities({ signal })).toEqual(supports)
    })

    test('gives back bytes, size, etag and time from get, head and list alike', async ({
      store,
      other,
      put,
      signal,
    }) => {
      const etag = await put('a/b.txt', 'abc')
      for (const handle of [store, other]) {
        const got = await handle.get(key('a/b.txt'), { signal })
        expect(got).toMatchObject({ offset: 0, lengthBytes: 3, meta: { key: 'a/b.txt', etag, sizeBytes: 3 } })
        expect(got && (await readAll(got.body))).toEqual(bytes('abc'))
        const head = await handle.head(key('a/b.txt'), { signal })
        expect(head).toMatchObject({ key: 'a/b.txt', etag, sizeBytes: 3 })
        const { objects } = await handle.list({ signal, prefix: '', limit: 10 })
        expect(objects).toMatchObject([{ key: 'a/b.txt', etag, sizeBytes: 3 }])
        for (const { lastModified } of [got?.meta, head, objects[0]].filter((seen) => seen !== undefined))
          expect(Math.abs(lastModified.getTime() - Date.now())).toBeLessThan(300_000)
      }
    })

    test('remembers content type, checksums and attributes, or honestly none of them', async (stage) => {
      const { other, put, supports, signal } = stage
      await put('photo.png', 'abc', facts)
      const got = await other.get(key('photo.png'), { signal })
      await got?.body.cancel()
      for (const meta of [got?.meta, await other.head(key('photo.png'), { signal })]) {
        if (supports.objectMetadata) expect(meta).toMatchObject(facts)
        else expect(meta).toMatchObject({ checksums: undefined, attributes: {} })
      }
    })

    test('forgets what the version before was said to be', async ({ store, put, signal }) => {
      await put('photo.png', 'abc', facts)
      await put('photo.png', 'abcd', { contentType: 'image/png' })
      expect(await store.head(key('photo.png'), { signal })).toMatchObject({ checksums: undefined, attributes: {} })
    })

    test('keeps zero bytes', async ({ store, put, read, signal }) => {
      const etag = await put('empty', '')
      expect(await read('empty')).toEqual(new Uint8Array(0))
      expect(await store.head(key('empty'), { signal })).toMatchObject({ sizeBytes: 0, etag })
    })

    test('keeps 12 MiB', async ({ put, read, other }) => {
      const body = pattern(12 * MiB)
      await put('large', body)
      expectSameBytes(await read('large', other), body)
    })

    test('does not hold on to the memory it was given, nor give out its own', async ({ put, read }) => {
      const body = pattern(1000)
      await put('reused', body)
      body.fill(0)
      expectSameBytes(await read('reused'), pattern(1000))
      const first = await read('reused')
      first?.fill(0)
      expectSameBytes(await read('reused'), pattern(1000))
    })

    test('stores a view into a larger buffer and nothing around it', async ({ put, read }) => {
      await put('view', pattern(1000).subarray(100, 200))
      expectSameBytes(await read('view'), pattern(1000).subarray(100, 200))
    })

    test('knows nothing of absent keys', async ({ store, put, signal }) => {
      await put('folder/file', 'x')
      for (const absent of ['file', 'folder/files', 'other/file']) {
        expect(await store.head(key(absent), { signal })).toBeUndefined()
        expect(await store.get(key(absent), { signal })).toBeUndefined()
        expect(await store.get(key(absent), { signal, range: { offset: 5 } })).toBeUndefined()
      }
      // A folder is no object, whatever the store keeps below it.
      expect(await store.head(key('folder'), { signal })).toBeUndefined()
      expect(await store.get(key('folder'), { signal })).toBeUndefined()
    })

    test('tells of the CRC-32 that the store keeps of a version the truth, or nothing', async (stage) => {
      const { store, put, signal } = stage
      const ifMatch = await put('abc', 'abc')
      const ask = (name: string, of: { ifMatch: ETag; sizeBytes: number }) =>
        store.storedCrc32?.(key(name), { ...of, signal })
      const kept = await ask('abc', { ifMatch, sizeBytes: 3 })
      if (kept !== undefined) expect(kept).toEqual([{ sizeBytes: 3, crc32: 0x352441c2 }])
      expect(await ask('none', { ifMatch, sizeBytes: 3 })).toBeUndefined()
      const etag = await put('abc', 'cba')
      expect(etag).not.toBe(ifMatch)
      expect(await ask('abc', { ifMatch, sizeBytes: 3 })).toBeUndefined()
    })

    test('shows an overwrite at once, through every handle', async ({ store, other, read, readText, signal }) => {
      for (let i = 0; i < 10; i++) {
        const [writer, reader] = i % 2 === 0 ? [store, other] : [other, store]
        const body = bytes(`version ${i}`)
        const etag = applied(await writer.put(key('k'), body, { signal, when: 'always', contentType: 'text/plain' }))
        expect(await readText('k', reader)).toBe(`version ${i}`)
        expect((await reader.head(key('k'), { signal }))?.etag).toBe(etag)
        expect((await reader.list({ signal, prefix: 'k', limit: 1 })).objects[0]?.etag).toBe(etag)
      }
      expect(await read('k')).toBeDefined()
    })

    test('names every version differently, or by its bytes where that is all the store has', async (stage) => {
      const etags: string[] = []
      for (let i = 0; i < 20; i++) etags.push(await stage.put('same', 'equal bytes'))
      expect(new Set(etags).size).toBe(stage.gaps.contentEtags ? 1 : 20)
      expect(await stage.put('same', 'equal size.')).not.toBe(etags[19])
    })

    test('never shows a reader half an object or a mix of two', async (stage) => {
      const { store, other, put, signal, gaps } = stage
      const fills = new Map<string, number>()
      const write = async (fill: number) => fills.set(await put('torn', new Uint8Array(3 * MiB).fill(fill)), fill)
      const seen: { etag: string; fill: number | undefined; uniform: boolean; sizeBytes: number }[] = []
      const look = async (handle: typeof store) => {
        const got = await handle.get(key('torn'), { signal })
        if (got === undefined) throw new Error('the object vanished')
        const body = await readAll(got.body)
        seen.push({ etag: got.meta.etag, fill: body[0], uniform: isUniform(body), sizeBytes: body.byteLength })
      }
      await write(0)
      let writing = true
      const readers = [store, other, other].map(async (handle) => {
        while (writing && !gaps.tornReads) await look(handle).then(() => pause())
      })
      for (let i = 1; i <= 20; i++) {
        await write(i % 2)
        await pause()
      }
      writing = false
      await Promise.all(readers)
      await look(other)
      for (const { etag, fill, uniform, sizeBytes } of seen) {
        expect({ uniform, sizeBytes, fill }).toEqual({ uniform: true, sizeBytes: 3 * MiB, fill: fills.get(etag) })
      }
    })
  })
}

/** By words and in a loop, because this is most of what the test costs. */
function isUniform(body: Uint8Array): boolean {
  const words = new Uint32Array(body.buffer, 0, Math.floor(body.byteLength / 4))
  const word = Math.imul(body[0] ?? 0, 0x01010101) >>> 0
  for (let i = 0; i < words.length; i++) if (words[i] !== word) return false
  return true
}

const pause = () => new Promise<void>((resolve) => setTimeout(resolve, 1))
