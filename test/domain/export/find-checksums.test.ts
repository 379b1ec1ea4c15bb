import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { createMemoryObjectStore } from '../../../src/adapters/memory/object-store.ts'
import { createDigests } from '../../../src/adapters/node-crypto/digests.ts'
import { createFindChecksums, hex, type ReadingBudget } from '../../../src/domain/export/find-checksums.ts'
import { createObjectRecords } from '../../../src/domain/object/object-record.ts'
import { PreconditionFailed, StoreUnavailable } from '../../../src/ports/errors.ts'
import { parseObjectKey } from '../../../src/ports/object-key.ts'
import type { Checksums, ObjectMeta, ObjectStore } from '../../../src/ports/object-store.ts'
import { createTestClock } from '../../app/memory-service.ts'
import { quiet, utf8 } from './sample-archive.ts'
import { bodyOf, watch } from './watched-store.ts'

const digests = createDigests()
const ample: ReadingBudget = { objectBytes: 100, totalBytes: 1_000, totalMs: 5_000 }
const sumsOf = (body: string): Checksums => ({
  crc32: hex(crc32(body)),
  sha256: createHash('sha256').update(body).digest('hex'),
})

/** A store with objects, whose gets can be counted, and what looks for their checksums. */
function stage(wrap: (memory: ObjectStore) => Partial<ObjectStore> = () => ({})) {
  const memory = createMemoryObjectStore({ nowMs: () => 0 })
  const store = watch({ ...memory, ...wrap(memory) })
  const records = createObjectRecords({ store, digests })
  const warned: string[] = []
  const say = (event: string) => warned.push(event)
  const log = { debug: say, info: say, warn: say, error: say }
  const clock = createTestClock()
  return {
    clock,
    warned,
    /** The users' objects that were read, and not our records. */
    read: () => store.asked.filter((key) => !key.startsWith('records/')),
    async put(name: string, body: string, checksums?: Checksums): Promise<ObjectMeta> {
      const key = parseObjectKey(name)
      const facts = { contentType: 'text/plain', when: 'always', signal: quiet } as const
      await memory.put(key, utf8(body), { ...facts, ...(checksums && { checksums }) })
      const meta = await memory.head(key, { signal: quiet })
      if (meta === undefined) throw new Error('it was not stored')
      return meta
    },
    /** For the objects of one export. */
    finder: (budget = ample, signal = quiet) =>
      createFindChecksums({ store, records, digests, clock, log }, budget, { signal }),
    records,
  }
}

describe('the checksums of an object that is to be exported', () => {
  it('are those of its upload, and nothing is asked', async () => {
    const { put, finder, read } = stage(() => ({ storedCrc32: () => Promise.reject(new Error('asked')) }))
    const said = { ...sumsOf('abc'), crc32: '12345678' }
    expect(await finder()(await put('a', 'abc', said))).toEqual(said)
    expect(read()).toEqual([])
  })

  it('are those of a record of just this version, and the store is not asked', async () => {
    const { put, finder, read, records } = stage(() => ({ storedCrc32: () => Promise.reject(new Error('asked')) }))
    const meta = await put('a', 'abc')
    await records.write(meta.key, meta.etag, { crc32: '0000abcd' }, { signal: quiet })
    expect(await finder()(meta)).toEqual({ crc32: '0000abcd' })
    expect(read()).toEqual([])
  })

  it('are what the store keeps of the whole, and no record is made', async () => {
    const { put, finder, read, records } = stage(() => ({ storedCrc32: async () => [{ sizeBytes: 3, crc32: 0xabcd }] }))
    const meta = await put('a', 'abc')
    expect(await finder()(meta)).toEqual({ crc32: '0000abcd' })
    expect(read()).toEqual([])
    expect(await records.find(meta, { signal: quiet })).toBeUndefined()
  })

  it('are put together from what the store keeps of parts, and remembered', async () => {
    const pieces = ['one ', 'two ', 'three'].map((body) => ({ sizeBytes: body.length, crc32: crc32(body) }))
    const { put, finder, read, records } = stage(() => ({ storedCrc32: async () => pieces }))
    const meta = await put('a', 'one two three')
    expect(await finder()(meta)).toEqual({ crc32: sumsOf('one two three').crc32 })
    expect(read()).toEqual([])
    expect(await records.find(meta, { signal: quiet })).toEqual({ crc32: sumsOf('one two three').crc32 })
  })

  it.each([
    ['keeps none', async () => undefined],
    ['cannot be asked', () => Promise.reject(new StoreUnavailable('down'))],
  ])('are computed once where the store %s, and remembered', async (_, storedCrc32) => {
    const { put, finder, read } = stage(() => ({ storedCrc32 }))
    const meta = await put('a', 'abc')
    for (const _ of ['once', 'twice']) expect(await finder()(meta)).toEqual(sumsOf('abc'))
    expect(read()).toEqual(['a'])
  })

  it('are not computed from another version than the one that was looked at', async () => {
    const { put, finder } = stage()
    const meta = await put('a', 'abc')
    await put('a', 'other')
    await expect(finder()(meta)).rejects.toBeInstanceOf(PreconditionFailed)
  })

  it('stay unknown where the object alone, or all together, are too much to be read', async () => {
    const { put, finder, read } = stage()
    const large = await put('large', 'x'.repeat(101))
    expect(await finder()(large)).toBeUndefined()
    const find = finder({ ...ample, totalBytes: 250 })
    const found = []
    for (const name of ['a', 'b', 'c']) found.push(await find(await put(name, name.repeat(100))))
    expect(found.map((sums) => sums?.crc32)).toEqual([
      sumsOf('a'.repeat(100)).crc32,
      sumsOf('b'.repeat(100)).crc32,
      undefined,
    ])
    expect(await find(await put('small', 'x'))).toEqual(sumsOf('x'))
    expect(read()).toEqual(['a', 'b', 'small'])
  })

  it('stay unknown once the time is over', async () => {
    const { put, finder, read, clock } = stage()
    const find = finder()
    expect(await find(await put('a', 'abc'))).toEqual(sumsOf('abc'))
    clock.advance(5_000)
    expect(await find(await put('b', 'abc'))).toBeUndefined()
    expect(read()).toEqual(['a'])
  })

  it('stay unknown where the bytes do not come in time, and are a failure where the caller leaves', async () => {
    const hanging = (memory: ObjectStore): Partial<ObjectStore> => ({
      async get(key, { signal, ...options }) {
        const found = await memory.get(key, { ...options, signal })
        if (found === undefined || key.startsWith('records/')) return found
        const body = bodyOf([], 'hang').pipeThrough(new TransformStream(), { signal })
        return { ...found, body }
      },
    })
    const { put, finder } = stage(hanging)
    expect(await finder({ ...ample, totalMs: 30 })(await put('a', 'abc'))).toBeUndefined()
    const leaving = new AbortController()
    const left = finder(ample, leaving.signal)(await put('b', 'abc'))
    leaving.abort(new Error('gone'))
    await expect(left).rejects.toThrow('gone')
  })

  it('are given although they cannot be remembered', async () => {
    const { put, finder, warned } = stage((memory) => ({
      put: (key, ...rest) =>
        key.startsWith('records/') ? Promise.reject(new StoreUnavailable('full')) : memory.put(key, ...rest),
    }))
    expect(await finder()(await put('a', 'abc'))).toEqual(sumsOf('abc'))
    expect(warned).toEqual(['checksums-not-recorded'])
  })
})
