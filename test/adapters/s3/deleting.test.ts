import { afterEach, expect, it } from 'vitest'
import { parseObjectKey } from '../../../src/ports/object-key.ts'
import { type HttpStub, startHttpStub } from '../../servers/http-stub.ts'
import { errorXml, everything, storeAt } from './stubbed.ts'

const { signal } = new AbortController()
const keys = ['a', 'b', 'c'].map(parseObjectKey)
const gone = keys.map((key) => ({ key, error: undefined }))

let stub: HttpStub
afterEach(() => stub.stop())

it('deletes many in one request', async () => {
  stub = await startHttpStub((_, response) => response.end('<DeleteResult></DeleteResult>'))
  expect(await storeAt(stub.origin).deleteMany(keys, { signal })).toEqual(gone)
  expect(stub.seen).toEqual(['POST /bucket/?delete='])
})

it('deletes singly what a batch did not delete', async () => {
  stub = await startHttpStub(({ method }, response) => {
    if (method !== 'POST') return response.writeHead(204).end()
    const failed = '<Error><Key>prefix/b</Key><Code>InternalError</Code></Error>'
    return response.end(`<DeleteResult>${failed}</DeleteResult>`)
  })
  expect(await storeAt(stub.origin).deleteMany(keys, { signal })).toEqual(gone)
  expect(stub.seen).toEqual(['POST /bucket/?delete=', 'DELETE /bucket/prefix/b?x-id=DeleteObject'])
})

it('deletes singly when a batch fails as a whole, and tells what became of each', async () => {
  stub = await startHttpStub(({ method, url }, response) => {
    if (method === 'POST') return response.writeHead(500).end(errorXml('InternalError'))
    if (url?.includes('/b?')) return response.writeHead(403).end(errorXml('AccessDenied'))
    return response.writeHead(url?.includes('/c?') ? 404 : 204).end()
  })
  const results = await storeAt(stub.origin).deleteMany(keys, { signal })
  expect(results.map(({ error }) => error?.code)).toEqual([undefined, 'store-denied', undefined])
})

it('never sends a batch to a store that has none', async () => {
  stub = await startHttpStub((_, response) => response.writeHead(204).end())
  const store = storeAt(stub.origin, { ...everything, batchDelete: false })
  expect(await store.deleteMany(keys, { signal })).toEqual(gone)
  expect(stub.seen).toHaveLength(3)
})

it('asks once, not once for each key, when nobody answers', async () => {
  stub = await startHttpStub(() => {})
  await stub.stop()
  const results = await storeAt(stub.origin).deleteMany(keys, { signal })
  expect(results).toMatchObject(keys.map((key) => ({ key, error: { code: 'store-unavailable' } })))
})
