import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { describe, expect, it } from 'vitest'
import { createS3Client } from '../../../src/adapters/s3/client.ts'
import type { ProfileName, Quirks } from './profiles.ts'
import { closeStages, refusal, stage, text } from './stage.ts'

closeStages()

const quirky = (quirks: Partial<Quirks>) => stage({ quirks })
const put = async ({ client, at }: Awaited<ReturnType<typeof stage>>, key: string, body = 'x', more = {}) =>
  client.send(new PutObjectCommand({ ...at(key), Body: text(body), ...more }))

async function opened(made: Awaited<ReturnType<typeof stage>>, bodies: readonly string[]) {
  const { client, at } = made
  const { UploadId } = await client.send(new CreateMultipartUploadCommand(at('k')))
  const Parts: { PartNumber: number; ETag: string | undefined }[] = []
  for (const [i, body] of bodies.entries()) {
    const part = { ...at('k'), UploadId, PartNumber: i + 1, Body: text(body) }
    Parts.push({ PartNumber: i + 1, ETag: (await client.send(new UploadPartCommand(part))).ETag })
  }
  const complete = () =>
    client.send(new CompleteMultipartUploadCommand({ ...at('k'), UploadId, MultipartUpload: { Parts } }))
  const list = () => client.send(new ListPartsCommand({ ...at('k'), UploadId }))
  const abort = () => client.send(new AbortMultipartUploadCommand({ ...at('k'), UploadId }))
  return { complete, list, abort }
}

describe('of RunPod', () => {
  it('it signs no URLs', async () => {
    const made = await stage({ profile: 'runpod' })
    await put(made, 'k')
    const answer = await fetch(await getSignedUrl(made.client, new GetObjectCommand(made.at('k'))))
    expect(answer.status).toBe(401)
    expect(await answer.text()).toContain('missing Authorization header')
  })

  it('it has no batch delete', async () => {
    const { client, fake } = await stage({ profile: 'runpod' })
    const Delete = { Objects: [{ Key: 'k' }] }
    expect((await refusal(client.send(new DeleteObjectsCommand({ Bucket: fake.bucket, Delete })))).status).toBe(501)
  })

  it('conditions are accepted and ignored', async () => {
    const made = await stage({ profile: 'runpod' })
    await put(made, 'k', 'first')
    await put(made, 'k', 'second', { IfNoneMatch: '*' })
    await put(made, 'k', 'third', { IfMatch: '"00000000000000000000000000000000"' })
    expect(Buffer.from(made.fake.object('k')?.body ?? []).toString()).toBe('third')
    await made.client.send(new DeleteObjectCommand({ ...made.at('k'), IfMatch: '"0"' }))
    expect(made.fake.object('k')).toBeUndefined()
  })

  it('what is absent is an invalid argument', async () => {
    const { client, at } = await stage({ profile: 'runpod' })
    expect(await refusal(client.send(new GetObjectCommand(at('k'))))).toEqual({ status: 400, code: 'InvalidArgument' })
    expect((await refusal(client.send(new HeadObjectCommand(at('k'))))).status).toBe(400)
  })

  it('some heads of what is there are denied, and gets are not', async () => {
    const made = await stage({ profile: 'runpod' })
    await put(made, 'k')
    const statuses = []
    for (let i = 0; i < 10; i++) {
      const sent = made.client.send(new HeadObjectCommand(made.at('k')))
      statuses.push(
        await sent.then(
          () => 200,
          () => 403,
        ),
      )
    }
    expect(statuses.filter((status) => status === 403)).toHaveLength(2)
    expect((await made.client.send(new GetObjectCommand(made.at('k')))).ContentLength).toBe(1)
  })

  it('dates end in UTC, and content type and metadata are forgotten', async () => {
    const made = await stage({ profile: 'runpod' })
    await put(made, 'k', 'x', { ContentType: 'text/x-own', Metadata: { own: 'yes' } })
    const found = await made.client.send(new GetObjectCommand(made.at('k')))
    // The client of the service mends the date; without that the SDK would have thrown.
    expect(found.LastModified).toBeInstanceOf(Date)
    expect(found.ContentType).not.toBe('text/x-own')
    expect(found.Metadata).toEqual({})
  })

  it('listings have folders and parts in them, ignore the prefix, and stand still once', async () => {
    const made = await stage({ profile: 'runpod' })
    for (const key of ['a/b/1', 'a/b/2', 'c']) await put(made, key)
    await opened(made, ['part'])
    const list = (more = {}) =>
      made.client.send(new ListObjectsV2Command({ Bucket: made.fake.bucket, Prefix: 'a/', ...more }))
    const keys = (await list()).Contents?.map(({ Key }) => Key) ?? []
    expect(keys).toEqual(expect.arrayContaining(['a/', 'a/b/', 'a/b/1', 'a/b/2', 'c']))
    expect(keys.some((key) => key?.startsWith('.s3compat_uploads/'))).toBe(true)
    const first = await list({ MaxKeys: 2 })
    const token = first.NextContinuationToken
    const second = await list({ MaxKeys: 2, ContinuationToken: token })
    expect(second).toMatchObject({ IsTruncated: true, NextContinuationToken: token })
    const third = await list({ MaxKeys: 2, ContinuationToken: token })
    expect(third.NextContinuationToken).not.toBe(token)
    expect(third.Contents?.length).toBeGreaterThan(0)
  })

  it('every second Complete is a time-out of the proxy, and lands later; and the parts are listed once more', async () => {
    const made = await stage({ profile: 'runpod', quirks: { minPartBytes: 1 } })
    const outcomes = []
    for (const body of ['one', 'two']) {
      const upload = await opened(made, [body])
      outcomes.push(
        await upload.complete().then(
          () => 200,
          (error) => error.$metadata.httpStatusCode,
        ),
      )
      await expect.poll(() => Buffer.from(made.fake.object('k')?.body ?? []).toString()).toBe(body)
      expect((await upload.list()).Parts).toHaveLength(1)
      expect((await refusal(upload.list())).status).toBe(404)
    }
    expect(outcomes.sort()).toEqual([200, 524])
  })

  it('bodies above 100 MB are too large for its proxy', async () => {
    const made = await stage({ profile: 'runpod', quirks: { bodyBytesMax: 10 } })
    expect((await refusal(put(made, 'k', 'x'.repeat(11)))).status).toBe(413)
  })
})

describe('of others', () => {
  it('If-Match in quotes is never right on Ceph before 20', async () => {
    const made = await stage({ profile: 'ceph' })
    const { ETag = '' } = await put(made, 'k')
    expect((await refusal(put(made, 'k', 'y', { IfMatch: ETag }))).status).toBe(412)
    await put(made, 'k', 'y', { IfMatch: ETag.replaceAll('"', '') })
  })

  it('completing what was aborted is a failure of Ceph', async () => {
    const upload = await opened(await stage({ profile: 'ceph' }), ['x'])
    await upload.abort()
    expect((await refusal(upload.complete())).status).toBe(500)
    expect((await refusal(upload.list())).code).toBe('NoSuchKey')
  })

  it('checksum headers are refused by B2, and batches there and by old MinIO want an MD5', async () => {
    const b2 = await stage({ profile: 'b2' })
    expect((await refusal(put(b2, 'k', 'x', { ChecksumAlgorithm: 'CRC32' }))).status).toBe(400)
    for (const profile of ['b2', 'minio'] satisfies ProfileName[]) {
      const { client, fake } = await stage({ profile })
      const Delete = { Objects: [{ Key: 'k' }] }
      const batch = (more = {}) => client.send(new DeleteObjectsCommand({ Bucket: fake.bucket, Delete, ...more }))
      expect((await refusal(batch())).status).toBe(400)
      expect((await batch({ ChecksumAlgorithm: 'MD5' })).$metadata.httpStatusCode).toBe(200)
    }
  })

  it('parts of R2 have one length, and one key may be written once a second', async () => {
    const upload = await opened(await stage({ profile: 'r2', quirks: { minPartBytes: 1 } }), ['four', 'six6.', 'x'])
    expect((await refusal(upload.complete())).code).toBe('InvalidPart')
    const made = await quirky({ writesPerSecond: 1 })
    await put(made, 'k')
    expect((await refusal(put(made, 'k'))).status).toBe(429)
    await put(made, 'other')
  })

  it('GCS and B2 ignore what a put depends on', async () => {
    for (const profile of ['gcs', 'b2'] satisfies ProfileName[]) {
      const made = await stage({ profile })
      await put(made, 'k', 'first')
      await put(made, 'k', 'second', { IfNoneMatch: '*' })
      expect(made.fake.object('k')?.body).toEqual(Buffer.from('second'))
    }
  })

  it('Ceph joins parts that come in any order, whatever region the signature was made for', async () => {
    const { client, fake, at } = await stage({ profile: 'ceph', quirks: { minPartBytes: 1 } })
    const { origin, credentials } = fake
    const elsewhere = createS3Client({ endpoint: origin, region: 'elsewhere', credentials })
    const upload = { ...at('k'), UploadId: (await elsewhere.send(new CreateMultipartUploadCommand(at('k')))).UploadId }
    const Parts = await Promise.all(
      [2, 1].map(async (PartNumber) => {
        const part = new UploadPartCommand({ ...upload, PartNumber, Body: text(`part ${PartNumber}.`) })
        return { PartNumber, ETag: (await client.send(part)).ETag }
      }),
    )
    await client.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } }))
    expect(fake.object('k')?.body).toEqual(Buffer.from('part 1.part 2.'))
    elsewhere.destroy()
  })

  it('a server may not name what it joined, and may not know an upload that is complete', async () => {
    const silent = await opened(await quirky({ completeNamesEtag: false }), ['x'])
    expect((await silent.complete()).ETag).toBe('')
    const forgetful = await opened(await stage({ profile: 'generic' }), ['x'])
    await forgetful.complete()
    expect(await refusal(forgetful.complete())).toEqual({ status: 404, code: 'NoSuchUpload' })
  })

  it('listings may refuse what they carry', async () => {
    const made = await quirky({ listRefuses: ['encoding-type', 'delimiter', 'trailing-slash'] })
    const list = (more: object) => made.client.send(new ListObjectsV2Command({ Bucket: made.fake.bucket, ...more }))
    for (const refused of [{ EncodingType: 'url' as const }, { Delimiter: '/' }, { Prefix: 'a/' }]) {
      expect((await refusal(list(refused))).status).toBe(400)
    }
    expect((await list({ Prefix: 'a' })).KeyCount).toBe(0)
  })

  it('too many parts are not joined, and what is full is full', async () => {
    const made = await quirky({ minPartBytes: 1, completablePartsMax: 2 })
    expect((await refusal((await opened(made, ['1', '2', '3'])).complete())).code).toBe('InvalidPart')
    const full = await quirky({ capacityBytes: 3 })
    await put(full, 'k', 'abc')
    expect((await refusal(put(full, 'other', 'd'))).status).toBe(507)
  })
})
