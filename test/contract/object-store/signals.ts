import { describe, expect } from 'vitest'
import { bytes, expectSameBytes, key, pattern, readAll, type StoreTest } from './harness.ts'

const MiB = 2 ** 20
const soonMs = 5000

export function describeSignals(test: StoreTest): void {
  describe('an abort signal', () => {
    test('that is aborted already ends every call with its reason and without effect', async (stage) => {
      const { store, put, readText, listAll, signal } = stage
      const etag = await put('k', 'before')
      const upload = await store.createMultipart(key('m'), { signal, contentType: 'text/plain' })
      const part = await store.putPart(upload, 1, bytes('part'), { signal })
      const reason = new Error('the caller went away')
      const gone = { signal: AbortSignal.abort(reason) }
      const facts = { contentType: 'text/plain' }
      const calls: Record<string, () => Promise<unknown>> = {
        capabilities: () => store.capabilities(gone),
        put: () => store.put(key('k'), bytes('after'), { ...gone, ...facts, when: 'always' }),
        'put of a new key': () => store.put(key('k2'), bytes('after'), { ...gone, ...facts, when: 'if-absent' }),
        get: () => store.get(key('k'), gone),
        head: () => store.head(key('k'), gone),
        ...(store.storedCrc32 && {
          storedCrc32: async () => store.storedCrc32?.(key('k'), { ...gone, ifMatch: etag, sizeBytes: 6 }),
        }),
        list: () => store.list({ ...gone, prefix: '', limit: 10 }),
        delete: () => store.delete(key('k'), gone),
        'conditional delete': () => store.delete(key('k'), { ...gone, ifMatch: etag }),
        deleteMany: () => store.deleteMany([key('k')], gone),
        createMultipart: () => store.createMultipart(key('m'), { ...gone, ...facts }),
        putPart: () => store.putPart(upload, 1, bytes('other'), gone),
        listParts: () => store.listParts(upload, gone),
        completeMultipart: () => store.completeMultipart(upload, [part], { ...gone, when: 'always' }),
        abortMultipart: () => store.abortMultipart(upload, gone),
      }
      for (const [name, call] of Object.entries(calls)) await expect(call(), name).rejects.toBe(reason)
      expect(await readText('k')).toBe('before')
      expect((await listAll('')).map((found) => found.key)).toEqual(['k'])
      await store.completeMultipart(upload, [part], { signal, when: 'always' })
      expect(await readText('m')).toBe('part')
    })

    test('that is aborted later ends the body soon', async ({ store, put, read }) => {
      const body = pattern(12 * MiB)
      await put('large', body)
      const controller = new AbortController()
      const got = await store.get(key('large'), { signal: controller.signal })
      const reader = got?.body.getReader()
      expect((await reader?.read())?.done).toBe(false)
      const enough = new Error('enough')
      controller.abort(enough)
      const started = Date.now()
      const readToTheEnd = async () => {
        while (!(await reader?.read())?.done);
      }
      await expect(readToTheEnd()).rejects.toBe(enough)
      expect(Date.now() - started).toBeLessThan(soonMs)
      expectSameBytes(await read('large'), body)
    })

    test('that is aborted after the body was read does no harm', async ({ store, put }) => {
      await put('k', 'x')
      const controller = new AbortController()
      const got = await store.get(key('k'), { signal: controller.signal })
      expect(got && (await readAll(got.body))).toEqual(bytes('x'))
      controller.abort()
    })

    test('is not needed to stop reading: a body may be cancelled', async ({ store, put, read, signal }) => {
      const body = pattern(12 * MiB)
      await put('large', body)
      for (const readFirst of [false, true]) {
        const got = await store.get(key('large'), { signal })
        const reader = got?.body.getReader()
        if (readFirst) await reader?.read()
        await reader?.cancel(new Error('enough'))
      }
      expectSameBytes(await read('large'), body)
    })
  })
}
