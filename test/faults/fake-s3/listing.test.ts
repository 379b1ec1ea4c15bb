import {
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandInput,
} from '@aws-sdk/client-s3'
import { describe, expect, it } from 'vitest'
import { closeStages, refusal, type Stage, stage, text } from './stage.ts'

closeStages()

const tree = ['a', 'b/1', 'b/2/x', 'b/2/y', 'b/3', 'b0', 'é', '\u{ff5e}', '🐈']

async function planted(keys = tree, options: Parameters<typeof stage>[0] = {}) {
  const made = await stage(options)
  for (const key of [...keys].reverse()) made.fake.putDirectly(key, text(key))
  return made
}

const list = ({ client, fake }: Stage, more: Partial<ListObjectsV2CommandInput> = {}) =>
  client.send(new ListObjectsV2Command({ Bucket: fake.bucket, ...more }))

/** Names of all pages, in the order in which they came. */
async function pages(made: Stage, more: Partial<ListObjectsV2CommandInput>): Promise<string[][]> {
  const found: string[][] = []
  let token: string | undefined
  do {
    const page = await list(made, { ...more, ContinuationToken: token })
    const names = [
      ...(page.CommonPrefixes ?? []).map(({ Prefix }) => `${Prefix}*`),
      ...(page.Contents ?? []).map(({ Key }) => `${Key}`),
    ]
    expect(page.KeyCount).toBe(names.length)
    expect(page.IsTruncated).toBe(page.NextContinuationToken !== undefined)
    found.push(names)
    token = page.NextContinuationToken
  } while (token !== undefined && found.length < 50)
  return found
}

describe('a listing', () => {
  it('is in order of UTF-8 bytes, in pages that count prefixes', async () => {
    const made = await planted()
    expect(made.fake.keys()).toEqual(tree)
    expect(await pages(made, {})).toEqual([tree])
    expect(await pages(made, { MaxKeys: 4 })).toEqual([tree.slice(0, 4), tree.slice(4, 8), tree.slice(8)])
    expect(await pages(made, { MaxKeys: 2, Delimiter: '/' })).toEqual([
      ['b/*', 'a'],
      ['b0', 'é'],
      ['\u{ff5e}', '🐈'],
    ])
    expect(await pages(made, { MaxKeys: 1, Delimiter: '/', Prefix: 'b/' })).toEqual([['b/1'], ['b/2/*'], ['b/3']])
    expect(await pages(made, { MaxKeys: 9, Delimiter: '/', Prefix: 'b' })).toEqual([['b/*', 'b0']])
    expect(await pages(made, { MaxKeys: 0 })).toEqual([[]])
    expect(await pages(made, { Prefix: 'zz' })).toEqual([[]])
  })

  it('goes on behind a key, even inside of a prefix', async () => {
    const made = await planted()
    expect(await pages(made, { StartAfter: 'b/2/y' })).toEqual([tree.slice(4)])
    expect(await pages(made, { StartAfter: 'b/2/x', Prefix: 'b', Delimiter: '/' })).toEqual([['b/*', 'b0']])
    expect(await pages(made, { StartAfter: 'b/9', Prefix: 'b', Delimiter: '/' })).toEqual([['b0']])
  })

  it('never has more than a thousand keys in a page', async () => {
    const made = await planted(Array.from({ length: 1001 }, (_, i) => `k${i}`))
    expect((await pages(made, { MaxKeys: 5000 })).map(({ length }) => length)).toEqual([1000, 1])
  })

  it('writes names for URLs when asked to', async () => {
    const made = await planted(["a b/+c%&<d>!'()*~ü", 'z'])
    const page = await list(made, { EncodingType: 'url', Prefix: 'a b/' })
    expect(page.Contents?.[0]?.Key).toBe('a+b/%2Bc%25%26%3Cd%3E%21%27%28%29*~%C3%BC')
    expect([page.Prefix, page.EncodingType]).toEqual(['a+b/', 'url'])
    expect((await list(made, { Prefix: 'a b/' })).Contents?.[0]?.Key).toBe("a b/+c%&<d>!'()*~ü")
  })

  it('says of each object what it is', async () => {
    const made = await planted(['k'])
    expect((await list(made)).Contents).toEqual([
      {
        Key: 'k',
        Size: 1,
        ETag: '"8ce4b16b22b58894aa86c421e8759df3"',
        StorageClass: 'STANDARD',
        LastModified: expect.any(Date),
      },
    ])
  })

  it('refuses a token that it did not make', async () => {
    const made = await planted()
    expect(await refusal(list(made, { ContinuationToken: 'x' }))).toEqual({ status: 400, code: 'InvalidArgument' })
    expect(await refusal(list(made, { MaxKeys: -1 }))).toEqual({ status: 400, code: 'InvalidArgument' })
  })
})

it('a listing of uploads has pages too', async () => {
  const { client, fake, at } = await stage()
  for (const key of ['b', 'a', 'b', 'c/d']) await client.send(new CreateMultipartUploadCommand(at(key)))
  const found: string[] = []
  let markers = {}
  for (let page = 0; page < 10; page++) {
    const answer = await client.send(
      new ListMultipartUploadsCommand({ Bucket: fake.bucket, MaxUploads: 1, ...markers }),
    )
    found.push(...(answer.Uploads ?? []).map(({ Key, UploadId }) => `${Key} ${UploadId}`))
    if (!answer.IsTruncated) break
    markers = { KeyMarker: answer.NextKeyMarker, UploadIdMarker: answer.NextUploadIdMarker }
  }
  expect(found).toEqual(
    fake
      .openUploads()
      .map(({ key, uploadId }) => `${key} ${uploadId}`)
      .sort(),
  )
  const below = await client.send(new ListMultipartUploadsCommand({ Bucket: fake.bucket, Prefix: 'c/' }))
  expect(below.Uploads).toMatchObject([{ Key: 'c/d' }])
})
