import { describe, expect, it } from 'vitest'
import { createMemoryObjectStore } from '../../../src/adapters/memory/object-store.ts'
import { createDigests } from '../../../src/adapters/node-crypto/digests.ts'
import { createExportStore } from '../../../src/domain/export/export-store.ts'
import { planExport } from '../../../src/domain/export/plan-export.ts'
import { ExportManifestBroken } from '../../../src/domain/export/refusals.ts'
import { createOpenUploads } from '../../../src/domain/object/open-uploads.ts'
import { parseObjectKey } from '../../../src/ports/object-key.ts'
import type { ETag, ObjectStore } from '../../../src/ports/object-store.ts'
import { createTestClock, everyKey, startedAtMs } from '../../app/memory-service.ts'
import { quiet, utf8 } from './sample-archive.ts'

const digests = createDigests()
const log = { debug() {}, info() {}, warn() {}, error() {} }
const options = { signal: quiet }

function planOf(files: number, id = 'x1') {
  const selected = Array.from({ length: files }, (_, index) => ({
    folder: 'set',
    file: `image-${index}.png`,
    key: parseObjectKey(`files/set/image-${index}.png`),
    sizeBytes: index,
    etag: `version-${index}` as ETag,
    lastModified: new Date(startedAtMs + index),
    checksums: { crc32: '0000abcd', sha256: 'ab'.repeat(32) },
  }))
  const about = { id, name: 'set', createdAt: new Date(startedAtMs), expiresAt: new Date(startedAtMs + 60_000) }
  return planExport(
    selected,
    { maxEntries: 100_000, maxBytes: 2 ** 50 },
    { ...about, missing: [], empty: [], leftOut: 0 },
  )
}

/** `open` is another instance on the same store; `calls` are those of all. */
function stage() {
  const clock = createTestClock()
  const memory = createMemoryObjectStore(clock)
  const calls: string[] = []
  let beforeGet = async () => {}
  const store: ObjectStore = {
    ...memory,
    async head(key, given) {
      calls.push('head')
      return memory.head(key, given)
    },
    async get(key, given) {
      calls.push('get')
      await beforeGet()
      return memory.get(key, given)
    },
  }
  const uploads = createOpenUploads({ store, digests, clock, log })
  return {
    memory,
    clock,
    calls,
    open: (cachedEntriesMax = 100_000) => createExportStore({ store, digests, uploads, log, clock, cachedEntriesMax }),
    beforeGet: (work: () => Promise<void>) => {
      beforeGet = work
    },
    put: (key: string, body: Uint8Array) =>
      memory.put(parseObjectKey(key), body, { ...options, when: 'always', contentType: 'a/b' }),
  }
}

describe('exports that are kept', () => {
  it('are found by every instance, of 70,000 files, too, which are written in parts', async () => {
    const { memory, open, calls } = stage()
    const plan = planOf(70_000)
    const kept = await open().keep(plan, options)
    expect(await everyKey(memory)).toEqual(['exports/x1.jsonl'])
    const stored = await memory.head(parseObjectKey('exports/x1.jsonl'), options)
    expect(stored?.sizeBytes).toBeGreaterThan(8 * 2 ** 20)
    const other = open()
    const found = await other.find('x1', options)
    expect(found?.manifest).toEqual(plan.manifest)
    expect([found?.etag, found?.layout.lengthBytes]).toEqual([kept.etag, plan.layout.lengthBytes])
    expect(found?.modifiedAt).toEqual(new Date(startedAtMs + 69_999))
    expect(await other.find('x1', options)).toBe(found)
    expect(calls).toEqual(['head', 'get', 'head'])
  })

  it('are not read again by who made them', async () => {
    const { open, calls } = stage()
    const exports = open()
    const kept = await exports.keep(planOf(3), options)
    expect(await exports.find('x1', options)).toBe(kept)
    expect(calls).toEqual(['head'])
  })

  it('are read by one of many who ask at once, and by the next when that one has left', async () => {
    const { open, calls, beforeGet } = stage()
    await open().keep(planOf(3), options)
    const other = open()
    const leaving = new AbortController()
    beforeGet(async () => {
      beforeGet(async () => {})
      leaving.abort(new Error('left'))
    })
    const first = other.find('x1', { signal: leaving.signal })
    const others = Array.from({ length: 8 }, () => other.find('x1', options))
    await expect(first).rejects.toThrow('left')
    const found = await Promise.all(others)
    expect(new Set(found).size).toBe(1)
    expect(found[0]?.manifest.entries).toHaveLength(3)
    expect(calls.filter((call) => call === 'get')).toHaveLength(2)
  })

  it('are not waited for when somebody reads them and does not come back', async () => {
    const { open, clock, beforeGet } = stage()
    await open().keep(planOf(3), options)
    const other = open()
    beforeGet(() => {
      beforeGet(async () => {})
      return new Promise(() => {})
    })
    void other.find('x1', options)
    const second = other.find('x1', options)
    await clock.sleep(1, quiet)
    clock.advance(10_001)
    expect((await second)?.manifest.entries).toHaveLength(3)
  })

  it('are the version that is stored now, also when they are replaced while they are read', async () => {
    const { open, beforeGet } = stage()
    const writer = open()
    await writer.keep(planOf(3), options)
    const other = open()
    expect((await other.find('x1', options))?.manifest.entries).toHaveLength(3)
    await writer.keep(planOf(4), options)
    beforeGet(async () => {
      beforeGet(async () => {})
      await writer.keep(planOf(5), options)
    })
    expect((await other.find('x1', options))?.manifest.entries).toHaveLength(5)
  })

  it('are gone at once, on every instance, when they are deleted or have expired', async () => {
    const { open, clock } = stage()
    const [one, other] = [open(), open()]
    await one.keep(planOf(3), options)
    expect(await other.find('x1', options)).toBeDefined()
    clock.advance(59_999)
    expect(await other.find('x1', options)).toBeDefined()
    clock.advance(1)
    expect([await one.find('x1', options), await other.find('x1', options)]).toEqual([undefined, undefined])
    const again = stage()
    const [first, second] = [again.open(), again.open()]
    await first.keep(planOf(3), options)
    expect(await second.find('x1', options)).toBeDefined()
    await first.delete('x1', options)
    expect([await first.find('x1', options), await second.find('x1', options)]).toEqual([undefined, undefined])
  })

  it('are damaged when they are of another id, or nothing of ours', async () => {
    const { memory, open, put } = stage()
    await open().keep(planOf(3), options)
    const found = await memory.get(parseObjectKey('exports/x1.jsonl'), options)
    await put('exports/x2.jsonl', new Uint8Array(await new Response(found?.body).arrayBuffer()))
    await put('exports/x3.jsonl', utf8('{}'))
    const other = open()
    for (const id of ['x2', 'x3']) await expect(other.find(id, options)).rejects.toThrow(ExportManifestBroken)
  })
})
