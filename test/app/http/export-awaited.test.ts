import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { unzipSync } from 'fflate'
import { describe, expect, it } from 'vitest'
import { createMemoryObjectStore } from '../../../src/adapters/memory/object-store.ts'
import { awaitedBytesMax } from '../../../src/domain/export/manifest.ts'
import { StoreFull, StoreUnavailable } from '../../../src/ports/errors.ts'
import { parseObjectKey } from '../../../src/ports/object-key.ts'
import type { ObjectStore } from '../../../src/ports/object-store.ts'
import { pattern } from '../../contract/object-store/harness.ts'
import { installed, readByJava } from '../../domain/export/programs.ts'
import { createService, type Service, unending } from '../memory-service.ts'
import { expectProblem } from '../problems.ts'

const bodies: ReadonlyMap<string, Uint8Array> = new Map(
  Array.from({ length: 40 }, (_, index) => [
    `files/set/${String(index).padStart(2, '0')}.bin`,
    pattern(3_000 + index, index),
  ]),
)
/** Directory and end record: names of ten bytes each. */
const directoryBytes = bodies.size * (46 + 10 + 9) + 22
const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

type Call = 'get' | 'head' | 'list' | 'put'

/** A service over small objects that were uploaded here, or that others put there without a word about their checksums. */
async function stage(by: 'upload' | 'others') {
  const store = createMemoryObjectStore({ nowMs: Date.now })
  const calls: string[] = []
  const counting = (inner: ObjectStore): ObjectStore => ({
    ...inner,
    get(key, options) {
      calls.push(`get ${key}`)
      return inner.get(key, options)
    },
    head(key, options) {
      calls.push(`head ${key}`)
      return inner.head(key, options)
    },
    put(key, ...rest) {
      calls.push(`put ${key}`)
      return inner.put(key, ...rest)
    },
    list(options) {
      calls.push(`list ${options.prefix}`)
      return inner.list(options)
    },
  })
  const open = () => createService({ store, wrap: counting })
  const service = open()
  for (const [key, body] of bodies) {
    if (by === 'upload') {
      await service.request(`/v1/objects/${key}`, { method: 'PUT', body: Buffer.from(body) })
    } else {
      await store.put(parseObjectKey(key), body, { contentType: 'a/b', when: 'always', signal: unending })
    }
  }
  const count = (call: Call, prefix: string) => calls.filter((one) => one.startsWith(`${call} ${prefix}`)).length
  calls.length = 0
  const made = await makeExport(service)
  const atMaking = { heads: count('head', 'files/'), gets: count('get', ''), lists: count('list', 'files/') }
  calls.length = 0
  return { service, store, calls, count, made, atMaking, another: open }
}

interface Entry {
  readonly key: string
  readonly crc32: string | null
  readonly sha256: string | null
}

interface Made {
  readonly id: string
  readonly path: string
  readonly bytes: number
  readonly entries: readonly Entry[]
}

async function makeExport(service: Service, include: readonly unknown[] = [{ prefix: 'files/' }]): Promise<Made> {
  const answer = await service.request('/v1/exports', { method: 'POST', json: { include } })
  expect(answer.status).toBe(201)
  const made = (await answer.json()) as Omit<Made, 'path'> & { url: string }
  return { ...made, path: new URL(made.url).pathname }
}

const bytesOf = async (answer: Response) => Buffer.from(await answer.arrayBuffer())
const ranged = async (service: Service, { path }: Made, from: number, to: number) => {
  const answer = await service.request(path, { headers: { Range: `bytes=${from}-${to - 1}` } })
  expect(answer.status).toBe(206)
  return bytesOf(answer)
}

/** Reads so many bytes, and leaves. */
async function readBeginning(service: Service, { path }: Made, wantedBytes: number): Promise<void> {
  const reader = (await service.request(path)).body?.getReader()
  for (let got = 0; got < wantedBytes; ) got += (await reader?.read())?.value?.byteLength ?? Number.NaN
  await reader?.cancel()
}

describe.each(['upload', 'others'] as const)('an export of small objects, there by %s', (by) => {
  it('is made from listings alone', async () => {
    const { atMaking, made } = await stage(by)
    expect(atMaking).toEqual({ heads: 0, gets: 0, lists: 1 })
    expect(made.entries.map((entry) => entry.crc32)).toEqual(made.entries.map(() => null))
  })

  it('has every file as it is, reads each once, and keeps nothing of it in the store', async () => {
    const { service, made, count } = await stage(by)
    const before = await service.keys()
    const zip = await bytesOf(await service.request(made.path))
    expect(zip.byteLength).toBe(made.bytes)
    const unpacked = unzipSync(zip)
    for (const [key, body] of bodies)
      expect(digest(unpacked[key.slice('files/'.length)] ?? body.subarray(1))).toBe(digest(body))
    expect([count('get', 'files/'), count('head', 'files/')]).toEqual([bodies.size, 0])
    expect(await service.keys()).toEqual(before)
  })

  it('is read by Java from a pipe', async (ctx) => {
    installed(ctx, 'java')
    const { service, made } = await stage(by)
    const found = await readByJava((await service.request(made.path)).body ?? new ReadableStream())
    expect(found.map(({ sha256 }) => sha256)).toEqual([...bodies.values()].map(digest))
  })

  it('is the same in ranges that are cut anywhere, from any instance', async () => {
    const { service, made, another } = await stage(by)
    const zip = await bytesOf(await service.request(made.path))
    for (const pieceBytes of [977, 30_011]) {
      const pieces: Buffer[] = []
      for (let from = 0; from < made.bytes; from += pieceBytes) {
        pieces.push(await ranged(another(), made, from, Math.min(from + pieceBytes, made.bytes)))
      }
      expect(Buffer.concat(pieces).equals(zip)).toBe(true)
    }
  })

  it('goes on after a reader that left without asking again for what had passed', async () => {
    const { service, made, another, count, calls } = await stage(by)
    const zip = await bytesOf(await another().request(made.path))
    await readBeginning(service, made, 60_000)
    expect(count('put', 'learned/')).toBe(1)
    calls.length = 0
    expect((await ranged(another(), made, 60_000, made.bytes)).equals(zip.subarray(60_000))).toBe(true)
    expect(count('head', 'files/')).toBe(0)
  })

  it('gives its directory alone', async () => {
    const { service, made, another, count, calls } = await stage(by)
    const zip = await bytesOf(await another().request(made.path))
    calls.length = 0
    expect((await ranged(service, made, made.bytes - 500, made.bytes)).equals(zip.subarray(-500))).toBe(true)
    expect(count('head', 'files/')).toBeGreaterThan(0)
    expect(count('get', 'files/')).toBe(by === 'upload' ? 0 : count('head', 'files/'))
  })

  it('gives its directory again without asking for what was found out the first time', async () => {
    const { service, made, another, count, calls } = await stage(by)
    const directory = await ranged(service, made, made.bytes - directoryBytes, made.bytes)
    expect(count('put', 'learned/')).toBe(1)
    calls.length = 0
    expect((await ranged(another(), made, made.bytes - directoryBytes, made.bytes)).equals(directory)).toBe(true)
    expect([count('head', 'files/'), count('get', 'files/'), count('put', 'learned/')]).toEqual([0, 0, 0])
  })

  it('neither reads nor writes notes for a range of a file or two', async () => {
    const { service, made, count } = await stage(by)
    await ranged(service, made, 7_000, 7_001)
    await ranged(service, made, 50_000, 56_000)
    expect([count('put', ''), count('get', 'learned/')]).toEqual([0, 0])
  })

  it('tells the checksums of its files to who asks for the list', async () => {
    const { service, made } = await stage(by)
    const listed = (await (await service.request(`/v1/exports/${made.id}`)).json()) as Made
    expect(listed.entries.map(({ key, crc32: crc, sha256 }) => [key, crc, sha256])).toEqual(
      [...bodies].map(([key, body]) => [key, crc32(body).toString(16).padStart(8, '0'), digest(body)]),
    )
  })
})

describe('the list of an export of small objects', () => {
  it('is another than the answer to POST, which has no checksums', async () => {
    const { service } = await stage('upload')
    const json = { include: [{ prefix: 'files/' }] }
    const answer = await service.request('/v1/exports', { method: 'POST', json })
    const { id } = (await answer.json()) as Made
    const headers = { 'If-None-Match': answer.headers.get('etag') ?? '' }
    expect((await service.request(`/v1/exports/${id}`, { headers })).status).toBe(200)
  })

  it('tells what it can, and once what is wrong, where the store cannot be asked', async () => {
    const { store, made } = await stage('upload')
    const wrap = (inner: ObjectStore): ObjectStore => ({
      ...inner,
      head: (key, options) =>
        key.startsWith('files/') ? Promise.reject(new StoreUnavailable('down')) : inner.head(key, options),
    })
    const service = createService({ store, wrap })
    const { entries } = (await (await service.request(`/v1/exports/${made.id}`)).json()) as Made
    expect(entries.map((entry) => entry.crc32)).toEqual(entries.map(() => null))
    expect(service.logLines.filter((line) => line.includes('checksums-not-told'))).toHaveLength(1)
  })
})

describe('an export of small objects on a store that fails', () => {
  /** The same export, on an instance whose store does `fails` in place of what it should. */
  async function failing(fails: (inner: ObjectStore) => Partial<ObjectStore>) {
    const { store, made } = await stage('upload')
    return { made, store, service: createService({ store, wrap: (inner) => ({ ...inner, ...fails(inner) }) }) }
  }

  it('is 503, and not a directory with other checksums, when they cannot be asked for', async () => {
    const { service, made } = await failing((inner) => ({
      head: (key, options) =>
        key.startsWith('files/') ? Promise.reject(new StoreUnavailable('reset')) : inner.head(key, options),
    }))
    const headers = { Range: `bytes=-${directoryBytes}` }
    await expectProblem(await service.request(made.path, { headers }), 503, 'store-unavailable')
  })

  it.each([
    ['its directory', ({ path }: Made) => path, { Range: `bytes=-${directoryBytes}` }],
    ['its list', ({ id }: Made) => `/v1/exports/${id}`, {}],
  ])('asks for no more, and waits for nothing, when the client of %s leaves', async (_, pathOf, headers) => {
    const asked: AbortSignal[] = []
    const { service, made } = await failing((inner) => ({
      head(key, options) {
        if (!key.startsWith('files/')) return inner.head(key, options)
        asked.push(options.signal)
        return new Promise((_, reject) => options.signal.addEventListener('abort', () => reject(options.signal.reason)))
      },
    }))
    const leaving = new AbortController()
    const url = `http://127.0.0.1:${await service.listen()}${pathOf(made)}`
    const answer = fetch(url, { headers, signal: leaving.signal }).then((given) => given.text())
    await expect.poll(() => asked.length).toBe(32)
    leaving.abort()
    await expect(answer).rejects.toThrow()
    await expect.poll(() => asked.filter(({ aborted }) => aborted).length).toBe(32)
    expect(asked).toHaveLength(32)
  })

  it('goes on as well where nothing can be noted', async () => {
    const { service, made, store } = await failing((inner) => ({
      put: (key, ...rest) =>
        key.startsWith('learned/') ? Promise.reject(new StoreFull('no space')) : inner.put(key, ...rest),
    }))
    const zip = await bytesOf(await createService({ store }).request(made.path))
    await readBeginning(service, made, 60_000)
    expect((await ranged(service, made, 60_000, made.bytes)).equals(zip.subarray(60_000))).toBe(true)
    expect(service.logLines.filter((line) => line.includes('checksums-not-noted'))).not.toEqual([])
  })
})

describe('an export of objects of which some are small', () => {
  it('asks for those that are larger than waits for its bytes, and for those that are named', async () => {
    const { service, store, calls } = await stage('others')
    for (const [name, sizeBytes] of Object.entries({ edge: awaitedBytesMax, large: awaitedBytesMax + 1 })) {
      const which = { contentType: 'a/b', when: 'always', signal: unending } as const
      await store.put(parseObjectKey(`files/sizes/${name}`), pattern(sizeBytes, 1), which)
    }
    const include = [{ prefix: 'files/sizes/' }, { key: 'files/set/00.bin' }]
    const { entries } = await makeExport(service, include)
    expect(calls.filter((call) => call.startsWith('head files/')).sort()).toEqual([
      'head files/set/00.bin',
      'head files/sizes/large',
    ])
    expect(entries.map((entry) => entry.crc32 === null)).toEqual([true, false, true])
  })

  it('does not tell the checksums of an object that is another by now', async () => {
    const { service, store, made } = await stage('upload')
    const [key = ''] = bodies.keys()
    await store.put(parseObjectKey(key), pattern(10, 1), { contentType: 'a/b', when: 'always', signal: unending })
    const { entries } = (await (await service.request(`/v1/exports/${made.id}`)).json()) as Made
    expect(entries.map(({ sha256 }) => sha256 === null)).toEqual(entries.map((_, index) => index === 0))
  })
})
