import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  type CompleteMultipartUploadCommandInput,
  CreateMultipartUploadCommand,
  ListPartsCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { describe, expect, it } from 'vitest'
import { closeStages, refusal, type Stage, stage, text } from './stage.ts'

closeStages()

/** Small enough for tests that need several parts. */
const quirks = { minPartBytes: 4 }

type Numbered = [partNumber: number, etag: string | undefined]

async function openUpload(made: Stage, key = 'k') {
  const { client, at } = made
  const facts = { ContentType: 'text/x', Metadata: { run: '7' } }
  const { UploadId } = await client.send(new CreateMultipartUploadCommand({ ...at(key), ...facts }))
  const upload = { ...at(key), UploadId }
  return {
    upload,
    async part(PartNumber: number, body: string): Promise<Numbered> {
      const { ETag } = await client.send(new UploadPartCommand({ ...upload, PartNumber, Body: text(body) }))
      return [PartNumber, ETag]
    },
    complete: (parts: Numbered[], more: Partial<CompleteMultipartUploadCommandInput> = {}) =>
      client.send(
        new CompleteMultipartUploadCommand({
          ...upload,
          ...more,
          MultipartUpload: { Parts: parts.map(([PartNumber, ETag]) => ({ PartNumber, ETag })) },
        }),
      ),
    abort: () => client.send(new AbortMultipartUploadCommand(upload)),
    list: (more = {}) => client.send(new ListPartsCommand({ ...upload, ...more })),
  }
}

describe('an upload in parts', () => {
  it('becomes one object, whose tag is made of those of its parts', async () => {
    const made = await stage({ quirks })
    const { part, complete } = await openUpload(made)
    const second = await part(2, 'd')
    const first = await part(1, 'abc.')
    expect(made.fake.keys()).toEqual([])
    expect(made.fake.openUploads()).toMatchObject([{ key: 'k', parts: 2 }])
    // md5(md5('abc.') + md5('d')), as md5sum and xxd have it.
    const ETag = '"ec65ec9c1d2e5d3f6ff426d7fde4653c-2"'
    expect(await complete([first, second])).toMatchObject({ ETag, Key: 'k', Bucket: made.fake.bucket })
    expect(made.fake.object('k')).toMatchObject({
      body: Buffer.from('abc.d'),
      contentType: 'text/x',
      metadata: { run: '7' },
    })
    expect(made.fake.openUploads()).toEqual([])
  })

  it('is refused with wrong parts, and stays open', async () => {
    const made = await stage({ quirks })
    const { part, complete, upload } = await openUpload(made)
    const small = await part(1, 'a')
    const other = await part(3, 'abc.')
    const refused = async (parts: Numbered[], code: string) =>
      expect(await refusal(complete(parts))).toEqual({ status: 400, code })
    await refused([], 'MalformedXML')
    await refused([other, small], 'InvalidPartOrder')
    await refused([other, other], 'InvalidPartOrder')
    await refused([[1, '"0"']], 'InvalidPart')
    await refused([[2, small[1]]], 'InvalidPart')
    await refused([small, other], 'EntityTooSmall')
    for (const PartNumber of [0, 10_001]) {
      const outside = new UploadPartCommand({ ...upload, PartNumber, Body: text('x') })
      expect(await refusal(made.client.send(outside))).toEqual({ status: 400, code: 'InvalidArgument' })
    }
    expect(made.fake.keys()).toEqual([])
    const [number] = small
    await complete([await part(number, 'abc.'), other])
    expect(made.fake.keys()).toEqual(['k'])
  })

  it('is refused where its condition does not hold', async () => {
    const made = await stage({ quirks })
    made.fake.putDirectly('k', text('old'))
    const { part, complete } = await openUpload(made)
    const parts = [await part(1, 'new')]
    expect(await refusal(complete(parts, { IfNoneMatch: '*' }))).toEqual({ status: 412, code: 'PreconditionFailed' })
    expect(await refusal(complete(parts, { IfMatch: '"0"' }))).toEqual({ status: 412, code: 'PreconditionFailed' })
    await complete(parts, { IfMatch: `"${made.fake.object('k')?.etag}"` })
    expect(made.fake.commits).toMatchObject([{ key: 'k' }])
  })

  it('answers a repeated Complete like the first, without doing it again', async () => {
    const made = await stage({ quirks })
    const { part, complete } = await openUpload(made)
    const parts = [await part(1, 'x')]
    const { ETag } = await complete(parts)
    made.fake.putDirectly('k', text('written since'))
    expect((await complete(parts)).ETag).toBe(ETag)
    expect(made.fake.object('k')?.body).toEqual(text('written since'))
  })

  it('is gone when aborted', async () => {
    const made = await stage({ quirks })
    const { part, complete, abort, list } = await openUpload(made)
    const parts = [await part(1, 'x')]
    await abort()
    const gone = { status: 404, code: 'NoSuchUpload' }
    for (const late of [() => abort(), () => part(2, 'y'), () => complete(parts), () => list()]) {
      expect(await refusal(late())).toEqual(gone)
    }
    expect(made.fake.keys()).toEqual([])
  })

  it('belongs to its key', async () => {
    const made = await stage({ quirks })
    const { upload } = await openUpload(made)
    const elsewhere = new UploadPartCommand({ ...upload, Key: 'other', PartNumber: 1, Body: text('x') })
    expect(await refusal(made.client.send(elsewhere))).toEqual({ status: 404, code: 'NoSuchUpload' })
  })

  it('lists its parts in pages, the last of each number', async () => {
    const made = await stage({ quirks })
    const { part, list } = await openUpload(made)
    expect(await list()).toMatchObject({ IsTruncated: false })
    for (const number of [10, 2, 7]) await part(number, `part ${number}`)
    const [, etag] = await part(7, 'again')
    const page = await list({ MaxParts: 2 })
    expect(page).toMatchObject({ IsTruncated: true, NextPartNumberMarker: '7' })
    expect(page.Parts).toMatchObject([
      { PartNumber: 2, Size: 6 },
      { PartNumber: 7, Size: 5, ETag: etag },
    ])
    const rest = await list({ PartNumberMarker: page.NextPartNumberMarker })
    expect(rest).toMatchObject({ IsTruncated: false, Parts: [{ PartNumber: 10, Size: 7 }] })
  })

  it('does not go beyond the capacity', async () => {
    const made = await stage({ quirks: { ...quirks, capacityBytes: 10 } })
    const { part, complete } = await openUpload(made)
    const first = await part(1, '123456')
    expect((await refusal(part(2, '12345'))).status).toBe(507)
    await complete([first, await part(2, '1234')])
    expect(made.fake.object('k')?.body.byteLength).toBe(10)
  })
})
