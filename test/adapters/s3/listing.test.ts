import { afterEach, describe, expect, it } from 'vitest'
import { InvalidCursor, StoreDenied, StoreMisbehaved, StoreUnavailable } from '../../../src/ports/errors.ts'
import type { ListPage } from '../../../src/ports/object-store.ts'
import type { HttpStub } from '../../servers/http-stub.ts'
import { errorXml, scriptedStore } from './stubbed.ts'

const { signal } = new AbortController()

let stub: HttpStub | undefined
afterEach(() => stub?.stop())

const contents = (key: string, sizeBytes = 1) =>
  `<Contents><Key>${key}</Key><Size>${sizeBytes}</Size><ETag>&quot;e&quot;</ETag><LastModified>2025-11-12T10:00:00.000Z</LastModified></Contents>`
const folder = (prefix: string) => `<CommonPrefixes><Prefix>${prefix}</Prefix></CommonPrefixes>`
const page = (...inner: string[]) => ({
  status: 200,
  body: `<?xml version="1.0"?><ListBucketResult><Name>bucket</Name>${inner.join('')}</ListBucketResult>`,
})
const truncated = (token: string) =>
  `<IsTruncated>true</IsTruncated><NextContinuationToken>${token}</NextContinuationToken>`

async function listing(...answers: { status: number; body: string }[]) {
  const scripted = await scriptedStore(answers)
  stub = scripted.stub
  return scripted.store
}

const keys = ({ objects }: ListPage) => objects.map(({ key }) => key)

describe('a listing from S3', () => {
  it('decodes names only when the server says that it has encoded them', async () => {
    const store = await listing(
      page('<EncodingType>url</EncodingType>', contents('prefix/a+b%2Bc%20d%C3%A9')),
      page(contents('prefix/a+b%2Bc')),
    )
    expect(keys(await store.list({ signal, prefix: '', limit: 9 }))).toEqual(['a b+c dé'])
    expect(keys(await store.list({ signal, prefix: '', limit: 9 }))).toEqual(['a+b%2Bc'])
  })

  it('leaves out what cannot be a key, what is not ours and what was not asked for', async () => {
    const foreign = ['prefix/', 'prefix/x/', 'prefix/x//y', 'prefix/.s3compat_uploads/7/1', 'other/a', 'prefix/b']
    const store = await listing(
      page(...foreign.map((key) => contents(key, 0)), contents('prefix/a1'), folder('prefix/.s3compat_uploads/')),
    )
    const found = await store.list({ signal, prefix: 'a', delimiter: '/', limit: 99 })
    expect(found).toMatchObject({ objects: [{ key: 'a1', sizeBytes: 1, etag: 'e' }], prefixes: [], cursor: undefined })
  })

  it('tells how many files of others it leaves out', async () => {
    const foreign = ['prefix/', 'prefix/x/', 'prefix/.s3compat_uploads/7/1', 'prefix/x//y', 'prefix/e\u0301', 'other/a']
    const store = await listing(page(...foreign.map((key) => contents(key, 0)), contents('prefix/b')), page())
    const found = await store.list({ signal, prefix: '', limit: 99 })
    expect(found).toMatchObject({ objects: [{ key: 'b' }], leftOut: 2 })
    expect((await store.list({ signal, prefix: '', limit: 99 })).leftOut).toBeUndefined()
  })

  it('is refused where an object has no version or no length', async () => {
    const without = (element: string) => contents('prefix/a').replace(new RegExp(`<${element}>.*</${element}>`), '')
    const store = await listing(page(without('ETag')), page(without('Size')))
    await expect(store.list({ signal, prefix: '', limit: 9 })).rejects.toThrow(/versions/)
    await expect(store.list({ signal, prefix: '', limit: 9 })).rejects.toThrow(/how long/)
  })

  it('orders a page by the bytes of its names', async () => {
    const store = await listing(page(...['b', 'a/c', '🐈', '\u{e000}', 'a-'].map((name) => contents(`prefix/${name}`))))
    expect(keys(await store.list({ signal, prefix: '', limit: 9 }))).toEqual(['a-', 'a/c', 'b', '\u{e000}', '🐈'])
  })

  it('keeps to the limit when the server does not, and comes back for the rest', async () => {
    const first = page(contents('prefix/c'), folder('prefix/a/'), folder('prefix/b/'), truncated('next'))
    const store = await listing(first, first, page(contents('prefix/d')))
    const seen: string[] = []
    let cursor: string | undefined
    do {
      const found = await store.list({ signal, prefix: '', delimiter: '/', limit: 2, ...(cursor && { cursor }) })
      expect(found.objects.length + found.prefixes.length).toBeLessThanOrEqual(2)
      seen.push(...found.prefixes, ...keys(found))
      cursor = found.cursor
    } while (cursor !== undefined)
    expect(seen).toEqual(['a/', 'b/', 'c', 'd'])
    expect(stub?.seen.map((request) => /continuation-token=(\w*)/.exec(request)?.[1])).toEqual([
      undefined,
      undefined,
      'next',
    ])
  })

  it('asks again where a page names itself as the next, and not for ever', async () => {
    const [stuck, moving] = [page(truncated('same')), page(contents('prefix/b'))]
    const patient = await listing(page(contents('prefix/a'), truncated('same')), stuck, stuck, moving)
    const first = await patient.list({ signal, prefix: '', limit: 1 })
    expect(keys(await patient.list({ signal, prefix: '', limit: 1, cursor: first.cursor ?? '' }))).toEqual(['b'])
    await stub?.stop()
    const store = await listing(page(contents('prefix/a'), truncated('same')))
    const { cursor } = await store.list({ signal, prefix: '', limit: 1 })
    await expect(store.list({ signal, prefix: '', limit: 1, cursor: cursor ?? '' })).rejects.toBeInstanceOf(
      StoreMisbehaved,
    )
    expect(stub?.seen).toHaveLength(4)
  })

  it.each(['', '<NextContinuationToken></NextContinuationToken>'])(
    'does not take a page that goes on at %j for the last, nor for the first',
    async (nowhere) => {
      const store = await listing(page(contents('prefix/a'), '<IsTruncated>true</IsTruncated>', nowhere))
      await expect(store.list({ signal, prefix: '', limit: 9 })).rejects.toBeInstanceOf(StoreMisbehaved)
    },
  )

  it('does not leave out an object because its version is not named, unless it can be a folder', async () => {
    const nameless = (key: string, sizeBytes: number) =>
      `<Contents><Key>${key}</Key><Size>${sizeBytes}</Size></Contents>`
    const folders = await listing(page(nameless('prefix/folder', 0), contents('prefix/folder/a')))
    expect(keys(await folders.list({ signal, prefix: '', limit: 9 }))).toEqual(['folder/a'])
    await stub?.stop()
    const store = await listing(page(nameless('prefix/a', 5)))
    await expect(store.list({ signal, prefix: '', limit: 9 })).rejects.toBeInstanceOf(StoreMisbehaved)
  })

  it('does not repeat a beginning that a server shows at the end of one page and the start of the next', async () => {
    const store = await listing(
      page(folder('prefix/a/'), truncated('next')),
      page(folder('prefix/a/'), folder('prefix/b/')),
    )
    const first = await store.list({ signal, prefix: '', delimiter: '/', limit: 9 })
    const second = await store.list({ signal, prefix: '', delimiter: '/', limit: 9, cursor: first.cursor ?? '' })
    expect([first.prefixes, second.prefixes]).toEqual([['a/'], ['b/']])
  })

  it('passes on a refusal that no form of asking makes up for, and learns nothing from it', async () => {
    const refused = { status: 400, body: errorXml('InvalidBucketName') }
    const store = await listing(...Array.from({ length: 6 }, () => refused), page(contents('prefix/a')))
    await expect(store.list({ signal, prefix: 'a/', delimiter: '/', limit: 9 })).rejects.toBeInstanceOf(StoreDenied)
    expect(stub?.seen).toHaveLength(6)
    await store.list({ signal, prefix: '', limit: 9 })
    expect(stub?.seen.at(-1)).toMatch(/encoding-type=url.*prefix=prefix%2F/)
  })

  it.each(['', '!', btoa('{}'), btoa('[1]'), btoa('["t",null,null,1,1,1]'), btoa('[{},null,null,true,true,true]')])(
    'takes no cursor of others: %j',
    async (cursor) => {
      const store = await listing(page())
      await expect(store.list({ signal, prefix: '', limit: 9, cursor })).rejects.toBeInstanceOf(InvalidCursor)
      expect(stub?.seen).toEqual([])
    },
  )

  it('does not take half an answer, or none, for an empty bucket', async () => {
    for (const body of ['', '<ListBucketResult><Contents><Key>prefix/a</Ke', '<html></html>']) {
      const store = await listing({ status: 200, body })
      await expect(store.list({ signal, prefix: '', limit: 1 }), body).rejects.toBeInstanceOf(StoreUnavailable)
      await stub?.stop()
    }
  })
})
