import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import {
  InvalidParts,
  RangeNotSatisfiable,
  StoreDenied,
  StoreFull,
  StoreMisbehaved,
  StoreUnavailable,
  UnsupportedByStore,
  UploadNotFound,
} from '../../../src/ports/errors.ts'
import { parseObjectKey } from '../../../src/ports/object-key.ts'
import type { ETag, ObjectStore } from '../../../src/ports/object-store.ts'
import { type HttpStub, startHttpStub } from '../../servers/http-stub.ts'
import { selfSigned } from './self-signed.ts'
import { errorXml, type Scripted, scriptedStore, storeAt } from './stubbed.ts'

const key = parseObjectKey('folder/k')
const { signal } = new AbortController()
const upload = { key, uploadId: 'u' }
const part = { partNumber: 1, etag: 'e', sizeBytes: 1 }
const someEtag = 'e' as ETag
const body = new Uint8Array(3)
const text = { signal, contentType: 'text/plain' }

let stub: HttpStub | undefined
afterEach(async () => {
  await stub?.stop()
  stub = undefined
})

async function answering(...answers: Scripted[]): Promise<ObjectStore> {
  const scripted = await scriptedStore(answers)
  stub = scripted.stub
  return scripted.store
}

const thrown = (call: Promise<unknown>) =>
  call.then(
    (value) => ({ value }),
    (error: unknown) => error,
  )

const never = { effect: 'never-sent' }
const maybe = { effect: 'maybe-sent' }
/** What it speaks against, and whether asking again may help. */
const store = { blame: 'store', again: 'usual' }
const load = { ...never, blame: 'load', again: 'usual' }
const request = { blame: 'request', again: 'usual' }
const onceMore = { ...never, blame: 'request', again: 'once' }
const atTen = { date: 'Wed, 12 Nov 2025 10:00:00 GMT' }

type Row = [status: number, body: string, expected: object, facts?: object, headers?: Record<string, string>]

const rows: Row[] = [
  [400, errorXml('InvalidPart'), InvalidParts],
  [400, errorXml('InvalidPartOrder'), InvalidParts],
  [400, errorXml('EntityTooSmall'), InvalidParts],
  [400, errorXml('RequestTimeout'), StoreUnavailable, { ...maybe, ...request }],
  [400, errorXml('BadDigest'), StoreUnavailable, onceMore],
  [400, errorXml('XAmzContentSHA256Mismatch'), StoreUnavailable, onceMore],
  [400, errorXml('IncompleteBody'), StoreUnavailable, onceMore],
  [400, errorXml('InvalidRequest'), StoreDenied],
  [401, 'missing Authorization header', StoreDenied],
  [403, errorXml('SignatureDoesNotMatch'), StoreDenied],
  [403, errorXml('AccessDenied'), StoreDenied],
  [403, 'error code: 1010', StoreUnavailable, onceMore],
  [403, '<html><head><title>403 Forbidden</title></head><body><hr></body></html>', StoreUnavailable, onceMore],
  [403, '', StoreUnavailable, onceMore],
  [403, errorXml('RequestTimeTooSkewed'), StoreUnavailable, onceMore],
  [403, errorXml('QuotaExceeded'), StoreFull],
  [404, errorXml('NoSuchUpload'), UploadNotFound],
  [404, errorXml('NoSuchBucket'), StoreDenied],
  [405, errorXml('MethodNotAllowed'), UnsupportedByStore],
  [501, errorXml('NotImplemented'), UnsupportedByStore],
  [408, '', StoreUnavailable, { ...maybe, ...request }],
  [409, errorXml('ConditionalRequestConflict'), StoreUnavailable, { ...never, ...request }],
  [409, errorXml('OperationAborted'), StoreUnavailable, { ...never, ...request }],
  [413, '<html>too large</html>', StoreDenied],
  [429, '', StoreUnavailable, { ...load, retryAfterMs: 7000 }, { 'retry-after': '7' }],
  [503, errorXml('SlowDown'), StoreUnavailable, { ...load, retryAfterMs: 2000 }, { 'retry-after': '2' }],
  [503, errorXml('SlowDown'), StoreUnavailable, { ...load, retryAfterMs: 60_000 }, { 'retry-after': '3600' }],
  [
    503,
    errorXml('SlowDown'),
    StoreUnavailable,
    { ...load, retryAfterMs: 5000 },
    { ...atTen, 'retry-after': 'Wed, 12 Nov 2025 10:00:05 GMT' },
  ],
  [
    429,
    '',
    StoreUnavailable,
    { ...load, retryAfterMs: 0 },
    { ...atTen, 'retry-after': 'Wed, 12 Nov 2025 09:00:00 GMT' },
  ],
  [429, '', StoreUnavailable, { ...load, retryAfterMs: undefined }, { 'retry-after': 'soon' }],
  [503, '<html>maintenance</html>', StoreUnavailable, { ...maybe, ...store, retryAfterMs: undefined }],
  [500, errorXml('InternalError'), StoreUnavailable, { ...maybe, ...store }],
  [500, errorXml('InternalError', 'ENOSPC: no space left on device'), StoreFull],
  [502, '<html><p>Bad gateway<br></html>', StoreUnavailable, { ...maybe, ...store }],
  [504, '', StoreUnavailable, { ...maybe, ...store }],
  [507, errorXml('XMinioStorageFull'), StoreFull],
  ...[520, 521, 522, 523, 524, 525, 526, 527].map(
    (status): Row => [status, `error code: ${status}`, StoreUnavailable, { ...maybe, ...store }],
  ),
  [301, errorXml('PermanentRedirect'), StoreDenied, {}, { location: 'http://127.0.0.1:9/elsewhere' }],
]

describe('the one translation of S3 errors', () => {
  it.each(rows)('%i %s', async (status, answer, expected, facts = {}, headers = {}) => {
    const store = await answering({ status, body: answer, headers })
    const error = await thrown(store.putPart(upload, 1, body, { signal }))
    expect(error).toBeInstanceOf(expected)
    expect(error).toMatchObject(facts)
    expect(stub?.seen).toHaveLength(1)
  })

  it('knows what was never sent', async () => {
    const closed = await startHttpStub(() => {})
    await closed.stop()
    expect(await thrown(storeAt(closed.origin).head(key, { signal }))).toMatchObject({
      code: 'store-unavailable',
      effect: 'never-sent',
    })
    expect(await thrown(storeAt('http://no-such-host.invalid').head(key, { signal }))).toMatchObject(never)
  })

  it('does not ask again where the certificate is not to be trusted', async () => {
    const secure = createServer({ key: selfSigned.key, cert: selfSigned.cert })
    await new Promise<void>((resolve) => secure.listen(0, '127.0.0.1', resolve))
    const { port } = secure.address() as AddressInfo
    expect(await thrown(storeAt(`https://127.0.0.1:${port}`).head(key, { signal }))).toMatchObject({
      code: 'store-unavailable',
      ...never,
      blame: 'store',
      again: 'never',
    })
    await new Promise((resolve) => secure.close(resolve))
    stub = await startHttpStub(() => {})
    const plain = storeAt(stub.origin.replace('http:', 'https:'))
    expect(await thrown(plain.head(key, { signal }))).toMatchObject({ ...never, again: 'never' })
  })

  it('does not blame a store that goes on deleting behind a proxy that has given up', async () => {
    const store = await answering({ status: 524, body: 'error code: 524' })
    const unknown = { outcome: 'unknown', cause: { ...maybe, ...request } }
    expect(await store.delete(key, { signal })).toMatchObject(unknown)
    expect(await store.completeMultipart(upload, [part], { signal, when: 'always' })).toMatchObject(unknown)
  })

  it('never shows its own words for absence and conflicts to callers', async () => {
    for (const [status, body] of [
      [404, '<html>not found</html>'],
      [409, errorXml('OperationAborted')],
    ] as const) {
      const store = await answering({ status, body })
      for (const call of [
        store.list({ signal, prefix: '', limit: 1 }),
        store.createMultipart(key, text),
        store.put(key, new Uint8Array(1), { ...text, when: 'always' }),
      ]) {
        const failed = (await thrown(call)) as { code?: string; value?: { outcome: string } }
        expect(failed.value?.outcome ?? failed.code).toMatch(/^(?:unknown|store-misbehaved|store-unavailable)$/)
      }
      await stub?.stop()
    }
  })

  it('does not know what became of a connection that was reset', async () => {
    stub = await startHttpStub((request) => request.socket.destroy())
    expect(await thrown(storeAt(stub.origin).putPart(upload, 1, body, { signal }))).toMatchObject({
      code: 'store-unavailable',
      ...maybe,
    })
  })

  it.each([200, 400])('does not take the half of an answer of %i for a verdict', async (status) => {
    for (const end of ['destroy', 'resetAndDestroy', 'destroySoon'] as const) {
      const server = await startHttpStub((request, response) => {
        response.writeHead(status, { 'content-type': 'application/xml', 'content-length': '500' })
        response.write('<?xml version="1.0"?><Error><Code>Invalid')
        setTimeout(() => request.socket[end](), 20)
      })
      const cut = storeAt(server.origin)
      const failed = { code: 'store-unavailable', ...store }
      expect(await thrown(cut.list({ signal, prefix: '', limit: 1 })), end).toMatchObject(failed)
      expect(await thrown(cut.createMultipart(key, text)), end).toMatchObject({ ...failed, ...maybe })
      if (status === 400) expect(await thrown(cut.get(key, { signal })), end).toMatchObject(failed)
      await server.stop()
    }
  })

  it("gives the caller his own abort's reason, however the store failed", async () => {
    const controller = new AbortController()
    const reason = new Error('the caller went away')
    stub = await startHttpStub(() => controller.abort(reason))
    expect(await thrown(storeAt(stub.origin).list({ signal: controller.signal, prefix: '', limit: 1 }))).toBe(reason)
  })
})

describe('a guarded write', () => {
  const writes: [string, (store: ObjectStore) => Promise<unknown>][] = [
    ['put if-absent', (store) => store.put(key, body, { ...text, when: 'if-absent' })],
    ['put if-match', (store) => store.put(key, body, { ...text, when: { ifMatch: someEtag } })],
    ['complete if-absent', (store) => store.completeMultipart(upload, [part], { signal, when: 'if-absent' })],
    ['delete if-match', (store) => store.delete(key, { signal, ifMatch: someEtag })],
  ]

  it.each(writes)('%s: 412 and 409 are rejected, 5xx and resets unknown, throttling is thrown', async (_, write) => {
    const outcomes: unknown[] = []
    for (const answer of [
      { status: 412, body: '' },
      { status: 412, body: errorXml('PreconditionFailed') },
      { status: 409, body: errorXml('ConditionalRequestConflict') },
      { status: 404, body: errorXml('NoSuchKey') },
      { status: 500, body: errorXml('InternalError') },
      { status: 524, body: 'error code: 524' },
      { status: 429, body: '' },
    ]) {
      const store = await answering(answer)
      outcomes.push(await thrown(write(store)))
      await stub?.stop()
    }
    const rejected = { outcome: 'rejected' }
    const unknown = { outcome: 'unknown', cause: { code: 'store-unavailable', effect: 'maybe-sent' } }
    expect(outcomes).toMatchObject([
      ...Array.from({ length: 4 }, () => ({ value: rejected })),
      ...Array.from({ length: 2 }, () => ({ value: unknown })),
      { code: 'store-unavailable', effect: 'never-sent' },
    ])
  })

  it('is unknown when a complete answers 200 and an error, or nothing readable', async () => {
    for (const answer of [errorXml('InternalError'), '', '<html', 'OK']) {
      const store = await answering({ status: 200, body: answer })
      expect(await store.completeMultipart(upload, [part], { signal, when: 'always' })).toMatchObject({
        outcome: 'unknown',
      })
      await stub?.stop()
    }
  })

  it('is unknown without a condition too', async () => {
    const store = await answering({ status: 502, body: '<html>' })
    expect(await store.put(key, body, { ...text, when: 'always' })).toMatchObject({ outcome: 'unknown' })
    expect(await store.delete(key, { signal })).toMatchObject({ outcome: 'unknown' })
  })
})

describe('reading', () => {
  it('takes an absent object from 404, and from what RunPod says instead', async () => {
    for (const answer of [
      { status: 404, body: errorXml('NoSuchKey') },
      { status: 400, body: errorXml('InvalidArgument', 'object not found') },
    ]) {
      const store = await answering(answer)
      expect(await store.get(key, { signal })).toBeUndefined()
      expect(await store.head(key, { signal })).toBeUndefined()
      await stub?.stop()
    }
  })

  it('goes on when a server that would not take our time does not tell its own', async () => {
    const refused = { status: 403, headers: { date: 'yesterday' }, body: errorXml('RequestTimeTooSkewed') }
    const found = { etag: '"abc"', 'content-length': '2' }
    const store = await answering(refused, { status: 200, headers: found, body: 'ok' })
    expect(await thrown(store.get(key, { signal }))).toMatchObject({ code: 'store-unavailable' })
    expect(await store.head(key, { signal })).toMatchObject({ etag: 'abc' })
  })

  it('gives what the port has, and nothing of the answer', async () => {
    const store = await answering({ status: 200, headers: { etag: '"abc"', 'content-length': '2' }, body: 'ok' })
    expect(Object.keys((await store.get(key, { signal })) ?? {}).sort()).toEqual([
      'body',
      'lengthBytes',
      'meta',
      'offset',
    ])
  })

  it('asks by GET when a HEAD is refused', async () => {
    const found = { etag: '"abc"', 'content-length': '2' }
    const store = await answering({ status: 403 }, { status: 200, headers: found, body: 'ok' })
    expect(await store.head(key, { signal })).toMatchObject({ sizeBytes: 2, etag: 'abc' })
    expect(stub?.seen).toEqual(['HEAD /bucket/prefix/folder/k', 'GET /bucket/prefix/folder/k'])
  })

  it('gives up where neither a HEAD nor a GET says how long the object is', async () => {
    stub = await startHttpStub((request, response) => {
      response.writeHead(request.method === 'HEAD' ? 403 : 200, { etag: '"abc"' }).write('chunked')
      response.end()
    })
    const store = storeAt(stub.origin)
    // Bounded, so that a store which asks for ever fails this instead of hanging it.
    const bounded = { signal: AbortSignal.timeout(2000) }
    expect(await thrown(store.get(key, bounded))).toMatchObject({ code: 'store-unavailable', again: 'once' })
    expect(stub.seen).toHaveLength(2)
    expect(await thrown(store.head(key, bounded))).toMatchObject({ code: 'store-unavailable', again: 'once' })
    expect(stub.seen).toHaveLength(5)
  })

  it('says how large the object is when the range begins behind its end', async () => {
    const refusal = { status: 416, body: errorXml('InvalidRange') }
    const told = await answering({ ...refusal, headers: { 'content-range': 'bytes */7' } })
    const range = { offset: 9 }
    expect(await thrown(told.get(key, { signal, range }))).toEqual(new RangeNotSatisfiable(7))
    await stub?.stop()
    const asked = await answering(refusal, { status: 200, headers: { etag: '"abc"', 'content-length': '8' } })
    expect(await thrown(asked.get(key, { signal, range }))).toEqual(new RangeNotSatisfiable(8))
  })

  it('does not pass a whole object off as its range', async () => {
    const whole = { status: 200, headers: { etag: '"abc"' }, body: '0123456789' }
    const store = await answering({ ...whole, headers: { ...whole.headers, 'content-length': '10' } })
    expect(await thrown(store.get(key, { signal, range: { offset: 4, length: 2 } }))).toBeInstanceOf(StoreMisbehaved)
    const start = await store.get(key, { signal, range: { offset: 0, length: 2 } })
    expect(start).toMatchObject({ offset: 0, lengthBytes: 2, meta: { sizeBytes: 10 } })
    expect(await new Response(start?.body).text()).toBe('01')
  })

  it('reports a body that ends early, with and without a connection error', async () => {
    stub = await startHttpStub((request, response) => {
      response.writeHead(200, { etag: '"abc"', 'content-length': '10' })
      response.write('01234')
      setTimeout(() => request.socket.destroy(), 20)
    })
    const cut = await storeAt(stub.origin).get(key, { signal })
    expect(await thrown(new Response(cut?.body).text())).toMatchObject({ code: 'store-unavailable' })
    await stub.stop()
    const ranged = { etag: '"abc"', 'content-range': 'bytes 0-9/10' }
    const short = await answering({ status: 206, headers: ranged, body: '01234' })
    const closed = await short.get(key, { signal, range: { offset: 0 } })
    expect(await thrown(new Response(closed?.body).text())).toMatchObject({ code: 'store-unavailable' })
  })

  it('refuses what fetch would change on the way', async () => {
    const headers = { etag: '"abc"', 'content-length': '4', 'content-encoding': 'gzip' }
    const store = await answering({ status: 200, headers, body: 'gzip' })
    expect(await thrown(store.get(key, { signal }))).toBeInstanceOf(StoreMisbehaved)
  })

  it('takes dates that end in UTC', async () => {
    const headers = { etag: '"abc"', 'content-length': '2', 'last-modified': 'Wed, 12 Nov 2025 10:00:00 UTC' }
    const store = await answering({ status: 200, headers, body: 'ok' })
    const lastModified = new Date('2025-11-12T10:00:00Z')
    expect(await store.head(key, { signal })).toMatchObject({ lastModified })
    const got = await store.get(key, { signal })
    expect(got?.meta).toMatchObject({ lastModified })
    expect(await new Response(got?.body).text()).toBe('ok')
  })
})
