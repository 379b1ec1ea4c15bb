import { describe, expect } from 'vitest'
import { InvalidParts, UnsupportedByStore, UploadNotFound } from '../../../src/ports/errors.ts'
import type { MultipartUpload, Part } from '../../../src/ports/object-store.ts'
import {
  applied,
  bytes,
  expectSameBytes,
  key,
  type ObjectStoreHarness,
  pattern,
  type Stage,
  type StoreTest,
} from './harness.ts'

const facts = {
  contentType: 'application/zip',
  checksums: { crc32: '352441c2', sha256: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad' },
  attributes: { run: '7' },
}

export function describeMultipart(test: StoreTest, { supports }: ObjectStoreHarness): void {
  const partBytes = Math.max(5 * 2 ** 20, supports.minPartBytes)
  const begin = ({ store, signal }: Stage, name = 'm/large') => store.createMultipart(key(name), { signal, ...facts })
  const oneSmallPart = async (stage: Stage, body: string, name?: string): Promise<[MultipartUpload, Part]> => {
    const upload = await begin(stage, name)
    return [upload, await stage.other.putPart(upload, 1, bytes(body), { signal: stage.signal })]
  }

  describe('a multipart upload', () => {
    test('joins parts by number, sent at once in any order, and shows nothing before', async (stage) => {
      const { store, other, read, listAll, signal } = stage
      const upload = await begin(stage)
      const bodies = new Map([3, 1, 2].map((n) => [n, pattern(n === 3 ? 1234 : partBytes, n)]))
      const parts = await Promise.all(
        [...bodies].map(([n, body]) => (n === 2 ? other : store).putPart(upload, n, body, { signal })),
      )
      for (const part of parts) expect(part.sizeBytes).toBe(bodies.get(part.partNumber)?.byteLength)
      expect(await store.head(key('m/large'), { signal })).toBeUndefined()
      expect(await listAll('')).toEqual([])
      const etag = applied(await other.completeMultipart(upload, parts, { signal, when: 'always' }))
      const whole = new Uint8Array(2 * partBytes + 1234)
      for (const [n, body] of bodies) whole.set(body, (n - 1) * partBytes)
      expectSameBytes(await read('m/large'), whole)
      const head = await store.head(key('m/large'), { signal })
      expect(head).toMatchObject({ etag, sizeBytes: whole.byteLength, ...(supports.objectMetadata && facts) })
      expect(await listAll('')).toMatchObject([{ key: 'm/large', etag, sizeBytes: whole.byteLength }])
    })

    test('leaves the old object alone until it is complete', async (stage) => {
      const { store, put, readText, signal } = stage
      await put('m/large', 'before')
      const [upload, part] = await oneSmallPart(stage, 'after')
      expect(await readText('m/large')).toBe('before')
      applied(await store.completeMultipart(upload, [part], { signal, when: 'always' }))
      expect(await readText('m/large')).toBe('after')
    })

    test('keeps the last of two parts with one number', async (stage) => {
      const { store, readText, signal } = stage
      const [upload, replaced] = await oneSmallPart(stage, 'first try')
      const part = await store.putPart(upload, 1, bytes('second try'), { signal })
      if (!stage.gaps.uncheckedParts) {
        const attempt = store.completeMultipart(upload, [replaced], { signal, when: 'always' })
        await expect(attempt).rejects.toBeInstanceOf(InvalidParts)
      }
      applied(await store.completeMultipart(upload, [part], { signal, when: 'always' }))
      expect(await readText('m/large')).toBe('second try')
    })

    test('leaves out parts that it is not given', async (stage) => {
      const { store, read, signal } = stage
      const upload = await begin(stage)
      const part = await store.putPart(upload, 1, pattern(partBytes), { signal })
      const spare = await store.putPart(upload, 40, bytes('spare'), { signal })
      expect(spare.partNumber).toBe(40)
      if (stage.gaps.noSpareParts) {
        const attempt = store.completeMultipart(upload, [part], { signal, when: 'always' })
        await expect(attempt).rejects.toBeInstanceOf(InvalidParts)
        applied(await store.completeMultipart(upload, [part, spare], { signal, when: 'always' }))
        expect((await read('m/large'))?.byteLength).toBe(partBytes + spare.sizeBytes)
      } else {
        applied(await store.completeMultipart(upload, [part], { signal, when: 'always' }))
        expectSameBytes(await read('m/large'), pattern(partBytes))
      }
    })

    test('refuses parts that were not stored, and stays open', async (stage) => {
      const { store, readText, signal } = stage
      const [upload, part] = await oneSmallPart(stage, 'x')
      const wrong: Part[][] = [[]]
      if (!stage.gaps.uncheckedParts) {
        wrong.push([{ ...part, etag: '00000000000000000000000000000000' }], [part, { ...part, partNumber: 2 }])
      }
      for (const parts of wrong) {
        await expect(store.completeMultipart(upload, parts, { signal, when: 'always' })).rejects.toBeInstanceOf(
          InvalidParts,
        )
      }
      expect(await readText('m/large')).toBeUndefined()
      applied(await store.completeMultipart(upload, [part], { signal, when: 'always' }))
      expect(await readText('m/large')).toBe('x')
    })

    test('does not disturb another upload of the same key', async (stage) => {
      const { store, readText, signal } = stage
      const [one, partOfOne] = await oneSmallPart(stage, 'one')
      const [two, partOfTwo] = await oneSmallPart(stage, 'two')
      expect(one.uploadId).not.toBe(two.uploadId)
      applied(await store.completeMultipart(two, [partOfTwo], { signal, when: 'always' }))
      expect(await readText('m/large')).toBe('two')
      applied(await store.completeMultipart(one, [partOfOne], { signal, when: 'always' }))
      expect(await readText('m/large')).toBe('one')
    })

    test('is over once it is complete', async (stage) => {
      const { store, signal } = stage
      const [upload, part] = await oneSmallPart(stage, 'x')
      applied(await store.completeMultipart(upload, [part], { signal, when: 'always' }))
      const late = store.putPart(upload, 2, bytes('y'), { signal })
      if (stage.gaps.uncheckedParts) await late
      else await expect(late).rejects.toBeInstanceOf(UploadNotFound)
      expect(await stage.readText('m/large')).toBe('x')
    })

    if (supports.listParts) {
      test('lists its parts by number', async (stage) => {
        const { store, other, signal } = stage
        const upload = await begin(stage)
        expect(await store.listParts(upload, { signal })).toEqual([])
        const ten = await store.putPart(upload, 10, bytes('ten'), { signal })
        await store.putPart(upload, 2, bytes('first'), { signal })
        const two = await store.putPart(upload, 2, bytes('second'), { signal })
        expect(await other.listParts(upload, { signal })).toEqual([two, ten])
      })
    } else {
      test('refuses to list its parts', async (stage) => {
        const [upload] = await oneSmallPart(stage, 'x')
        await expect(stage.store.listParts(upload, { signal: stage.signal })).rejects.toBeInstanceOf(UnsupportedByStore)
      })
    }

    if (supports.abortMultipart) {
      test('is gone for good when aborted', async (stage) => {
        const { store, other, listAll, signal } = stage
        const [upload, part] = await oneSmallPart(stage, 'x')
        await store.abortMultipart(upload, { signal })
        await other.abortMultipart(upload, { signal })
        await expect(store.putPart(upload, 2, bytes('y'), { signal })).rejects.toBeInstanceOf(UploadNotFound)
        const late = other.completeMultipart(upload, [part], { signal, when: 'always' })
        if (stage.gaps.abortedUnanswered) expect(await late).toMatchObject({ outcome: 'unknown' })
        else await expect(late).rejects.toBeInstanceOf(UploadNotFound)
        if (supports.listParts) await expect(store.listParts(upload, { signal })).rejects.toBeInstanceOf(UploadNotFound)
        expect(await listAll('')).toEqual([])
      })
    } else {
      test('refuses to be aborted, and stays open', async (stage) => {
        const { store, readText, signal } = stage
        const [upload, part] = await oneSmallPart(stage, 'x')
        await expect(store.abortMultipart(upload, { signal })).rejects.toBeInstanceOf(UnsupportedByStore)
        applied(await store.completeMultipart(upload, [part], { signal, when: 'always' }))
        expect(await readText('m/large')).toBe('x')
      })
    }

    if (supports.conditionalComplete === 'none') {
      test('refuses a condition on complete', async (stage) => {
        const { store, readText, signal } = stage
        const [upload, part] = await oneSmallPart(stage, 'x')
        const attempt = store.completeMultipart(upload, [part], { signal, when: 'if-absent' })
        await expect(attempt).rejects.toBeInstanceOf(UnsupportedByStore)
        expect(await readText('m/large')).toBeUndefined()
      })
    } else {
      test('completes only when its condition holds', async (stage) => {
        const { store, put, readText, signal } = stage
        const etag = await put('m/large', 'before')
        const [late, latePart] = await oneSmallPart(stage, 'late')
        expect(await store.completeMultipart(late, [latePart], { signal, when: 'if-absent' })).toEqual({
          outcome: 'rejected',
        })
        expect(await readText('m/large')).toBe('before')
        const [right, rightPart] = await oneSmallPart(stage, 'right')
        applied(await store.completeMultipart(right, [rightPart], { signal, when: { ifMatch: etag } }))
        const [stale, stalePart] = await oneSmallPart(stage, 'stale')
        expect(await store.completeMultipart(stale, [stalePart], { signal, when: { ifMatch: etag } })).toEqual({
          outcome: 'rejected',
        })
        expect(await readText('m/large')).toBe('right')
        const [fresh, freshPart] = await oneSmallPart(stage, 'fresh', 'm/fresh')
        applied(await store.completeMultipart(fresh, [freshPart], { signal, when: 'if-absent' }))
        expect(await readText('m/fresh')).toBe('fresh')
      })
    }
  })
}
