import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { dialectOf } from '../../../src/adapters/s3/dialect.ts'
import { createS3ObjectStore } from '../../../src/adapters/s3/object-store.ts'
import { createIds } from '../../../src/adapters/web-crypto/ids.ts'
import { StoreDenied, StoreUnavailable, UnsupportedByStore } from '../../../src/ports/errors.ts'
import { parseObjectKey } from '../../../src/ports/object-key.ts'
import { type HttpStub, startHttpStub } from '../../servers/http-stub.ts'
import { type S3rver, startS3rver } from '../../servers/s3rver.ts'
import { errorXml, everything, storeAt } from './stubbed.ts'

const { signal } = new AbortController()

let stub: HttpStub | undefined
afterEach(async () => {
  await stub?.stop()
  stub = undefined
})

describe('what a store can do', () => {
  let server: S3rver
  beforeAll(async () => {
    server = await startS3rver()
  })
  afterAll(() => server.stop())

  it('is seen by trying, once, and leaves nothing behind', async () => {
    const { client, bucket } = server
    let tried = 0
    const ids = createIds()
    const counting = { ...ids, next: () => `${++tried}${ids.next()}` }
    const store = createS3ObjectStore({ client, bucket, prefix: 'probed', ids: counting })
    const first = await store.capabilities({ signal })
    expect(first).toMatchObject({ conditionalPut: 'none', batchDelete: true, abortMultipart: false, presign: true })
    expect(await store.capabilities({ signal })).toBe(first)
    expect(tried).toBe(1)
    expect(await store.list({ signal, prefix: '', limit: 9 })).toMatchObject({ objects: [] })
  })

  it('is not asked of what is known, and never of RunPod whether it signs URLs', async () => {
    const runPod = dialectOf('auto', 'https://s3api-eu-ro-1.runpod.io')
    expect(runPod.known).toEqual({ presign: false, batchDelete: false })
    const { client, bucket } = server
    const store = createS3ObjectStore({ client, bucket, prefix: 'runpod', ids: createIds(), dialect: runPod })
    expect(await store.capabilities({ signal })).toMatchObject({ presign: false, batchDelete: false, listParts: false })
  })
})

it('asks nothing when everything is known', async () => {
  stub = await startHttpStub((_, response) => response.writeHead(500).end())
  expect(await storeAt(stub.origin).capabilities({ signal })).toEqual(everything)
  expect(stub.seen).toEqual([])
})

it('forgets a probe that failed', async () => {
  let status = 503
  stub = await startHttpStub((_, response) => response.writeHead(status).end(errorXml('AccessDenied')))
  const store = storeAt(stub.origin, {})
  await expect(store.capabilities({ signal })).rejects.toBeInstanceOf(StoreUnavailable)
  status = 403
  await expect(store.capabilities({ signal })).rejects.toBeInstanceOf(StoreDenied)
})

it('takes a refusal of one thing for an answer, and an outage in between for none', async () => {
  let down = false
  const { presign, batchDelete, ...unknown } = everything
  stub = await startHttpStub(({ method, url }, response) => {
    const found = { etag: '"abc"', 'content-length': method === 'GET' || method === 'HEAD' ? '6' : '0' }
    if (method === 'POST' || url?.includes('X-Amz-Signature')) return response.writeHead(down ? 503 : 500).end()
    if (method === 'HEAD') return response.writeHead(down ? 503 : 200, found).end()
    return response.writeHead(200, found).end(method === 'GET' ? 'anchor' : '')
  })
  const store = storeAt(stub.origin, unknown)
  down = true
  await expect(store.capabilities({ signal })).rejects.toBeInstanceOf(StoreUnavailable)
  down = false
  expect(await store.capabilities({ signal })).toEqual({ ...everything, presign: false, batchDelete: false })
  expect({ presign, batchDelete }).toEqual({ presign: true, batchDelete: true })
})

it('sends nothing that the store was seen not to honour', async () => {
  stub = await startHttpStub((_, response) => response.writeHead(200, { etag: '"abc"' }).end())
  const store = storeAt(stub.origin, { ...everything, conditionalPut: 'none', abortMultipart: false })
  const key = parseObjectKey('k')
  const options = { signal, contentType: 'text/plain', when: 'if-absent' } as const
  await expect(store.put(key, new Uint8Array(1), options)).rejects.toBeInstanceOf(UnsupportedByStore)
  await expect(store.abortMultipart({ key, uploadId: 'u' }, { signal })).rejects.toBeInstanceOf(UnsupportedByStore)
  expect(stub.seen).toEqual([])
})
