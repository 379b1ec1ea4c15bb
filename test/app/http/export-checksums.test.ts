import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createMemoryObjectStore } from '../../../src/adapters/memory/object-store.ts'
import { StoreDenied } from '../../../src/ports/errors.ts'
import { parseObjectKey } from '../../../src/ports/object-key.ts'
import type { ObjectStore } from '../../../src/ports/object-store.ts'
import { resolveRange } from '../../../src/ports/range.ts'
import { pattern } from '../../contract/object-store/harness.ts'
import { installed, readByPython, run } from '../../domain/export/programs.ts'
import { sha256 } from '../../domain/export/sample-archive.ts'
import { createService, type Service, unending } from '../memory-service.ts'

const MiB = 2 ** 20
/** More than is read before an export is answered, and not a multiple of anything. */
const largeBytes = 40 * MiB + 4_321
const large = pattern(largeBytes, 5)
/** Small enough to be read before the answer, and too large to wait for its bytes. */
const small = pattern(MiB + 70_000, 6)
const checkpointBytes = 16 * MiB

/** How many bytes of each user's object were read, by the key. */
function countBytes() {
  const read = new Map<string, number>()
  const calls = { records: 0, learned: 0 }
  return {
    bytes: (key: string) => read.get(key) ?? 0,
    calls,
    reset() {
      read.clear()
      Object.assign(calls, { records: 0, learned: 0 })
    },
    wrap: (store: ObjectStore): ObjectStore => ({
      ...store,
      async get(key, options) {
        if (key.startsWith('records/')) calls.records += 1
        if (key.startsWith('learned/')) calls.learned += 1
        const found = await store.get(key, options)
        if (found === undefined) return undefined
        const count = new TransformStream<Uint8Array, Uint8Array>({
          transform(chunk, controller) {
            read.set(key, (read.get(key) ?? 0) + chunk.byteLength)
            controller.enqueue(chunk)
          },
        })
        return { ...found, body: found.body.pipeThrough(count) }
      },
    }),
  }
}

/** A service over objects that others put there, without a word about their checksums. */
async function stage(
  objects: Record<string, Uint8Array> = {
    'files/set/a.bin': small,
    'files/set/b.bin': large,
    'files/set/c.bin': small,
  },
  wrap: (store: ObjectStore) => ObjectStore = (store) => store,
) {
  const store = createMemoryObjectStore({ nowMs: Date.now })
  for (const [key, body] of Object.entries(objects)) {
    await store.put(parseObjectKey(key), body, { contentType: 'a/b', when: 'always', signal: unending })
  }
  const counted = countBytes()
  const service = createService({ store, wrap: (inner) => counted.wrap(wrap(inner)) })
  return {
    service,
    store,
    counted,
    another: () => createService({ store, wrap: (inner) => counted.wrap(wrap(inner)) }),
  }
}

interface Made {
  readonly path: string
  readonly id: string
  readonly bytes: number
}

async function makeExport(service: Service): Promise<Made> {
  const answer = await service.request('/v1/exports', { method: 'POST', json: { include: [{ prefix: 'files/' }] } })
  expect(answer.status).toBe(201)
  const { url, id, bytes } = (await answer.json()) as { url: string; id: string; bytes: number }
  return { path: new URL(url).pathname, id, bytes }
}

/** Of megabytes, without the cost of looking at each byte here. */
const expectSame = (actual: Uint8Array, expected: Uint8Array) => {
  expect(actual.byteLength).toBe(expected.byteLength)
  expect(Buffer.compare(actual, expected)).toBe(0)
}

const bytesOf = async (answer: Response) => new Uint8Array(await answer.arrayBuffer())

async function fetchRange(service: Service, { path }: Made, from: number, to?: number) {
  const answer = await service.request(path, { headers: { Range: `bytes=${from}-${to === undefined ? '' : to - 1}` } })
  return { status: answer.status, bytes: await bytesOf(answer) }
}

/** Reads so many bytes, and leaves. */
async function fetchBeginning(service: Service, { path }: Made, wantedBytes: number): Promise<void> {
  const answer = await service.request(path)
  const reader = answer.body?.getReader()
  for (let got = 0; got < wantedBytes; ) {
    const { value } = (await reader?.read()) ?? {}
    if (value === undefined) throw new Error('it ended')
    got += value.byteLength
  }
  await reader?.cancel()
}

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'export-checksums-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

describe('an export of objects whose checksums nobody knows', () => {
  it('is answered without reading the large ones', async () => {
    const { service, counted } = await stage()
    await makeExport(service)
    expect([counted.bytes('files/set/a.bin'), counted.bytes('files/set/b.bin')]).toEqual([small.byteLength, 0])
  })

  it('has its exact length, and is read by programs; the next one is read by Java from a pipe, and nothing was read to make it', async (ctx) => {
    const [python, unzip, sevenZip, java] = [
      installed(ctx, 'python3'),
      installed(ctx, 'unzip'),
      installed(ctx, '7zz', '7z'),
      installed(ctx, 'java'),
    ]
    expect(python).toBe('python3')
    const { service, counted } = await stage()
    const first = await makeExport(service)
    const answer = await service.request(first.path)
    expect(answer.headers.get('content-length')).toBe(`${first.bytes}`)
    const bytes = await bytesOf(answer)
    expect(bytes.byteLength).toBe(first.bytes)
    const path = join(folder, 'first.zip')
    await writeFile(path, bytes)
    const expected = [small, large, small].map((body) => sha256(body))
    expect((await readByPython(path)).map((entry) => entry.sha256)).toEqual(expected)
    expect((await run(unzip, ['-t', path])).toString()).toContain('No errors detected')
    expect((await run(sevenZip, ['t', path])).toString()).toContain('Everything is Ok')

    counted.reset()
    const second = await makeExport(service)
    expect(['a', 'b', 'c'].map((name) => counted.bytes(`files/set/${name}.bin`))).toEqual([0, 0, 0])
    // One data descriptor less.
    expect(second.bytes).toBe(first.bytes - 16)
    const piped = join(folder, 'second.zip')
    await writeFile(piped, await bytesOf(await service.request(second.path)))
    expect(counted.bytes('files/set/b.bin')).toBe(largeBytes)
    const program = join(import.meta.dirname, '../../domain/export/ReadFromPipe.java')
    const lines = (await run(java, [program], { input: piped })).toString().trim().split('\n')
    expect(lines.map((line) => line.split(' ')[0])).toEqual(expected)
  })

  it('is the same for everybody once it was read: what was learned costs one read of a note', async () => {
    const { service, another, counted } = await stage()
    const made = await makeExport(service)
    const whole = await bytesOf(await service.request(made.path))
    counted.reset()
    const cut = made.bytes - 100
    const { status, bytes } = await fetchRange(another(), made, cut)
    expect(status).toBe(206)
    expectSame(bytes, whole.subarray(cut))
    expect(counted.bytes('files/set/b.bin')).toBe(0)
    expect(counted.calls).toEqual({ records: 0, learned: 1 })
  })

  it('that was left on its way goes on from a checkpoint: at most one interval is read again', async () => {
    const { service, another, counted } = await stage()
    const made = await makeExport(service)
    const left = 30 * MiB + 77
    await fetchBeginning(service, made, left)
    counted.reset()
    const { status, bytes } = await fetchRange(another(), made, left)
    expect(status).toBe(206)
    const restBytes = largeBytes - left
    expect(counted.bytes('files/set/b.bin')).toBeLessThanOrEqual(restBytes + small.byteLength + 1_000 + checkpointBytes)
    expect(counted.bytes('files/set/b.bin')).toBeGreaterThan(restBytes)
    const whole = await bytesOf(await service.request(made.path))
    expectSame(bytes, whole.subarray(left))
  })

  it('gives its end, though nothing of it was read before, and reads each byte for that once', async () => {
    const { service, another, counted } = await stage()
    const made = await makeExport(service)
    const { status, bytes: end } = await fetchRange(service, made, made.bytes - 300)
    expect(status).toBe(206)
    expect(counted.bytes('files/set/b.bin')).toBe(largeBytes)
    counted.reset()
    const whole = await bytesOf(await another().request(made.path))
    expectSame(end, whole.subarray(-300))
    expect(counted.bytes('files/set/b.bin')).toBe(largeBytes)
  })

  it('can be fetched in ranges side by side, by way of several instances', async () => {
    const { service, another, counted } = await stage()
    const made = await makeExport(service)
    const cuts = [0, 9 * MiB, 23 * MiB + 5, 31 * MiB, made.bytes]
    const ranges = cuts.slice(1).map((to, index) => fetchRange(another(), made, cuts[index] ?? 0, to))
    const pieces = (await Promise.all(ranges)).map(({ bytes }) => bytes)
    counted.reset()
    expectSame(Buffer.concat(pieces), await bytesOf(await another().request(made.path)))
    counted.reset()
    await makeExport(another())
    expect(counted.bytes('files/set/b.bin')).toBe(0)
  })

  it('notes what was learned while the bytes pass, for the case that nobody lives to note the end', async () => {
    const { service, another, counted } = await stage()
    const made = await makeExport(service)
    const reader = (await service.request(made.path)).body?.getReader()
    for (let got = 0; got < 38 * MiB; ) {
      got += (await reader?.read())?.value?.byteLength ?? 0
      service.clock.advance(100)
    }
    // It never hears of the end of its reader.
    await expect.poll(() => service.keys('learned/')).toHaveLength(1)
    counted.reset()
    const { bytes } = await fetchRange(another(), made, 38 * MiB)
    expect(bytes.byteLength).toBe(made.bytes - 38 * MiB)
    const restBytes = largeBytes - 38 * MiB
    expect(counted.bytes('files/set/b.bin')).toBeLessThan(restBytes + 1.5 * checkpointBytes)
    await reader?.cancel()
  })

  it('notes what was learned when the client of a socket has gone', async () => {
    const { service, another, counted } = await stage()
    const made = await makeExport(service)
    const port = await service.listen()
    const leaving = new AbortController()
    const answer = await fetch(`http://127.0.0.1:${port}${made.path}`, { signal: leaving.signal })
    const reader = answer.body?.getReader()
    for (let got = 0; got < 20 * MiB; ) got += (await reader?.read())?.value?.byteLength ?? 0
    leaving.abort()
    await expect.poll(() => service.keys('learned/')).toHaveLength(1)
    expect(service.logLines.filter((line) => line.includes('response-broken'))).toEqual([])
    counted.reset()
    await fetchRange(another(), made, 20 * MiB)
    expect(counted.bytes('files/set/b.bin')).toBeLessThan(largeBytes - 20 * MiB + checkpointBytes)
  })

  it('does without notes and records where they cannot be written or read', async () => {
    const isOurs = (key: string) => key.startsWith('records/') || key.startsWith('learned/')
    const { service } = await stage(undefined, (store) => ({
      ...store,
      put: (key, ...rest) =>
        isOurs(key) ? Promise.reject(new StoreDenied('may not be written')) : store.put(key, ...rest),
      get: (key, ...rest) =>
        key.startsWith('learned/') ? Promise.reject(new StoreDenied('may not be read')) : store.get(key, ...rest),
    }))
    const made = await makeExport(service)
    const whole = await bytesOf(await service.request(made.path))
    expect(whole.byteLength).toBe(made.bytes)
    const { bytes } = await fetchRange(service, made, 20 * MiB)
    expectSame(bytes, whole.subarray(20 * MiB))
    expect(service.logLines.filter((line) => line.includes('checksums-not-noted'))).not.toEqual([])
  })

  it('does not believe notes of another archive, or such as make no sense', async () => {
    const { service, store } = await stage()
    const made = await makeExport(service)
    const key = parseObjectKey(`learned/${made.id}.json`)
    const { etag } = (await (await service.request(`/v1/exports/${made.id}`)).json()) as { etag: string }
    const put = (notes: unknown) =>
      store.put(key, Buffer.from(JSON.stringify(notes)), { contentType: 'a/b', when: 'always', signal: unending })
    const whole = await bytesOf(await createService({ store }).request((await makeExport(service)).path))
    const wrong = [1, 0, largeBytes, 7]
    for (const notes of [
      { archive: 'other', entries: [wrong] },
      {
        archive: etag,
        entries: [
          [0, 0, small.byteLength, 7],
          [9, 0, 1, 7],
          [1, 0, largeBytes + 1, 7],
          [1, 5, 5, 7],
          'x',
          [1, -1, 2, 3],
        ],
      },
      { archive: etag, entries: {} },
      null,
    ]) {
      await put(notes)
      expectSame((await fetchRange(service, made, made.bytes - 300)).bytes, whole.subarray(-300))
    }
    await put({ archive: etag, entries: [wrong] })
    const { bytes } = await fetchRange(createService({ store }), made, made.bytes - 300)
    expect(Buffer.from(bytes).equals(Buffer.from(whole.subarray(-300)))).toBe(false)
  })

  it('of many small objects is learned in one reading, and known to the next export', async () => {
    const objects = Object.fromEntries(
      Array.from({ length: 40 }, (_, index) => [`files/many/${index}.bin`, pattern(2 * MiB, index + 1)]),
    )
    const { service, counted, another } = await stage(objects)
    const made = await makeExport(service)
    const whole = await bytesOf(await service.request(made.path))
    expect(whole.byteLength).toBe(made.bytes)
    expect(await service.keys('records/')).toHaveLength(40)
    counted.reset()
    const { bytes } = await fetchRange(another(), made, 79 * MiB)
    expectSame(bytes, whole.subarray(79 * MiB))
    expect(counted.calls).toEqual({ records: 0, learned: 1 })
    const next = await makeExport(another())
    // 64 MiB were read at once for the first, so that eight had descriptors.
    expect(next.bytes).toBe(made.bytes - 8 * 16)
  })
})

describe('an export of what was uploaded here', () => {
  it('knows the checksums of objects in parts, with one read of a record each, and reads none of them', async () => {
    let asked = 0
    const { service, counted } = await stage({}, (store) => ({
      ...store,
      async storedCrc32() {
        asked += 1
        return undefined
      },
    }))
    for (const [name, body] of Object.entries({ small, large })) {
      const answer = await service.request(`/v1/objects/files/${name}.bin`, { method: 'PUT', body: Buffer.from(body) })
      expect(answer.status).toBe(201)
    }
    counted.reset()
    const made = await makeExport(service)
    expect(counted.calls).toEqual({ records: 1, learned: 0 })
    expect([counted.bytes('files/small.bin'), counted.bytes('files/large.bin'), asked]).toEqual([0, 0, 0])
    const { bytes } = await fetchRange(service, made, made.bytes - 300)
    expect(bytes.byteLength).toBe(300)
    expect(counted.calls).toEqual({ records: 1, learned: 0 })
    expect(counted.bytes('files/large.bin')).toBe(0)
  })
})

describe('an export of an object that is too large to be read before an answer', () => {
  const hugeBytes = 2 * 1024 * MiB
  const zeros = new Uint8Array(MiB)
  /** As if the object had so many zeros. */
  const huge = (store: ObjectStore): ObjectStore => ({
    ...store,
    async head(key, options) {
      const meta = await store.head(key, options)
      return meta && { ...meta, sizeBytes: key === 'files/huge' ? hugeBytes : meta.sizeBytes }
    },
    async get(key, { range, ...options }) {
      if (key !== 'files/huge') return await store.get(key, { ...options, ...(range && { range }) })
      const found = await store.get(key, options)
      if (found === undefined) return undefined
      await found.body.cancel()
      const body = new ReadableStream<Uint8Array>({ pull: (controller) => controller.enqueue(zeros.slice()) })
      const asked = resolveRange(range, hugeBytes)
      return { meta: { ...found.meta, sizeBytes: hugeBytes }, ...asked, body }
    },
  })

  it('answers a range of its directory with the whole, and every other range as it was asked for', async () => {
    const { service } = await stage({ 'files/huge': small }, huge)
    const made = await makeExport(service)
    const ask = async (range: string, method = 'GET') => {
      const answer = await service.request(made.path, { method, headers: { Range: range } })
      const { status, headers } = answer
      await answer.body?.cancel()
      return { status, bytes: Number(headers.get('content-length')), range: headers.get('content-range') }
    }
    expect(await ask('bytes=-75')).toEqual({ status: 200, bytes: made.bytes, range: null })
    expect(await ask('bytes=-65557')).toEqual({ status: 200, bytes: made.bytes, range: null })
    expect(await ask(`bytes=${hugeBytes - 17 * MiB}-`)).toMatchObject({ status: 206 })
    expect(await ask('bytes=0-39')).toMatchObject({ status: 206, bytes: 40 })
    expect(await ask('bytes=-22')).toMatchObject({ status: 206, bytes: 22 })
  })
})
