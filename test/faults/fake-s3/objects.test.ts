import {
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
} from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { describe, expect, it } from 'vitest'
import { closeStages, elementText, refusal, type Stage, stage, text } from './stage.ts'

closeStages()

const abcMd5 = '900150983cd24fb0d6963f7d28e17f72'
const abcCrc32 = 'NSRBwg=='

async function stageWithAbc() {
  const made = await stage()
  const facts = { ContentType: 'text/x-abc', Metadata: { run: '7' }, CacheControl: 'no-store' }
  await made.client.send(new PutObjectCommand({ ...made.at('a/b'), Body: text('abc'), ...facts }))
  return made
}

const put = ({ client, at }: Stage, key: string, more: Partial<PutObjectCommandInput> = {}) =>
  client.send(new PutObjectCommand({ ...at(key), Body: text('abc'), ...more }))

/** A GET by URL, so that nothing stands between the answer and the test. */
async function rawGet({ client, at }: Stage, key: string, headers: Record<string, string> = {}) {
  const answer = await fetch(await getSignedUrl(client, new GetObjectCommand(at(key))), { headers })
  return { status: answer.status, headers: answer.headers, body: await answer.text() }
}

describe('an object', () => {
  it('comes back with everything that was said of it', async () => {
    const { client, at, fake } = await stageWithAbc()
    const expected = {
      ETag: `"${abcMd5}"`,
      ContentLength: 3,
      ContentType: 'text/x-abc',
      CacheControl: 'no-store',
      Metadata: { run: '7' },
      AcceptRanges: 'bytes',
    }
    expect(await client.send(new HeadObjectCommand(at('a/b')))).toMatchObject(expected)
    const got = await client.send(new GetObjectCommand(at('a/b')))
    expect(got).toMatchObject(expected)
    expect(await got.Body?.transformToString()).toBe('abc')
    expect(Math.abs((got.LastModified?.getTime() ?? 0) - Date.now())).toBeLessThan(60_000)
    expect(fake.object('a/b')).toEqual({
      body: Buffer.from('abc'),
      etag: abcMd5,
      contentType: 'text/x-abc',
      metadata: { run: '7' },
    })
    expect(fake.object('absent')).toBeUndefined()
  })

  it('that is not there is refused as Amazon does', async () => {
    const made = await stage()
    const { status, headers, body } = await rawGet(made, 'a/<b>')
    expect(status).toBe(404)
    expect(headers.get('content-type')).toBe('application/xml')
    expect(headers.get('content-length')).toBe(String(body.length))
    expect(elementText(body, 'Code')).toBe('NoSuchKey')
    expect(elementText(body, 'Key')).toBe('a/&lt;b&gt;')
    expect(elementText(body, 'RequestId')).toBe(headers.get('x-amz-request-id'))
    expect(await refusal(made.client.send(new HeadObjectCommand(made.at('k'))))).toMatchObject({ status: 404 })
    const elsewhere = new HeadObjectCommand({ Bucket: 'other', Key: 'k' })
    expect(await refusal(made.client.send(elsewhere))).toMatchObject({ status: 404 })
  })

  it('is given out in ranges', async () => {
    const made = await stageWithAbc()
    const ranges: [range: string, status: number, body: string, contentRange: string | null][] = [
      ['bytes=0-0', 206, 'a', 'bytes 0-0/3'],
      ['bytes=1-', 206, 'bc', 'bytes 1-2/3'],
      ['bytes=1-99', 206, 'bc', 'bytes 1-2/3'],
      ['bytes=-2', 206, 'bc', 'bytes 1-2/3'],
      ['bytes=-9', 206, 'abc', 'bytes 0-2/3'],
      ['bytes=2-1', 200, 'abc', null],
      ['bytes=0-0,2-2', 200, 'abc', null],
      ['lines=1-2', 200, 'abc', null],
    ]
    for (const [range, status, body, contentRange] of ranges) {
      const answer = await rawGet(made, 'a/b', { range })
      expect([answer.status, answer.body, answer.headers.get('content-range')], range).toEqual([
        status,
        body,
        contentRange,
      ])
      expect(answer.headers.get('content-length')).toBe(String(body.length))
    }
    made.fake.putDirectly('empty', text(''))
    for (const [key, range, size] of [
      ['a/b', 'bytes=3-', 3],
      ['a/b', 'bytes=-0', 3],
      ['empty', 'bytes=0-0', 0],
    ] as const) {
      const answer = await rawGet(made, key, { range })
      expect([answer.status, answer.headers.get('content-range')]).toEqual([416, `bytes */${size}`])
      expect(elementText(answer.body, 'ActualObjectSize')).toBe(String(size))
    }
  })

  it('is given out on conditions', async () => {
    const made = await stageWithAbc()
    const past = new Date(Date.now() - 3_600_000).toUTCString()
    const future = new Date(Date.now() + 3_600_000).toUTCString()
    const conditions: [headers: Record<string, string>, status: number][] = [
      [{ 'if-match': `"${abcMd5}"` }, 200],
      [{ 'if-match': abcMd5 }, 200],
      [{ 'if-match': `"0", "${abcMd5}"` }, 200],
      [{ 'if-match': '"0"' }, 412],
      [{ 'if-none-match': `W/"${abcMd5}"` }, 304],
      [{ 'if-none-match': '*' }, 304],
      [{ 'if-none-match': '"0"' }, 200],
      [{ 'if-modified-since': past }, 200],
      [{ 'if-modified-since': future }, 304],
      [{ 'if-unmodified-since': past }, 412],
      [{ 'if-unmodified-since': future }, 200],
      [{ 'if-match': `"${abcMd5}"`, 'if-unmodified-since': past }, 200],
      [{ 'if-none-match': '"0"', 'if-modified-since': future }, 200],
    ]
    for (const [headers, status] of conditions) {
      expect((await rawGet(made, 'a/b', headers)).status, JSON.stringify(headers)).toBe(status)
    }
  })
})

describe('a put', () => {
  it('depends on what is there, if told so', async () => {
    const made = await stage()
    const { ETag } = await put(made, 'k', { IfNoneMatch: '*' })
    expect(await refusal(put(made, 'k', { IfNoneMatch: '*' }))).toEqual({ status: 412, code: 'PreconditionFailed' })
    expect(await refusal(put(made, 'k', { IfNoneMatch: '"0"' }))).toEqual({ status: 501, code: 'NotImplemented' })
    expect(await refusal(put(made, 'k', { IfMatch: '"0"' }))).toEqual({ status: 412, code: 'PreconditionFailed' })
    expect(await refusal(put(made, 'absent', { IfMatch: ETag }))).toEqual({ status: 404, code: 'NoSuchKey' })
    await put(made, 'k', { IfMatch: ETag, Body: text('next') })
    expect(await refusal(put(made, 'k', { IfMatch: ETag }))).toMatchObject({ status: 412 })
    expect(made.fake.commits.map(({ key }) => key)).toEqual(['k', 'k'])
  })

  it('has one winner in a race', async () => {
    const made = await stage()
    const racers = Array.from({ length: 20 }, (_, i) => put(made, 'k', { IfNoneMatch: '*', Body: text(`racer ${i}`) }))
    const won = (await Promise.allSettled(racers)).filter(({ status }) => status === 'fulfilled')
    expect(won).toHaveLength(1)
    expect(made.fake.commits).toHaveLength(1)
  })

  it('is refused when a checksum does not hold', async () => {
    const made = await stage()
    await put(made, 'k', { ChecksumCRC32: abcCrc32, ContentMD5: 'kAFQmDzST7DWlj99KOF/cg==' })
    const wrong: [more: Partial<PutObjectCommandInput>, code: string][] = [
      [{ ChecksumCRC32: 'AAAAAA==' }, 'BadDigest'],
      [{ ChecksumCRC32: 'short' }, 'InvalidRequest'],
      [{ ChecksumSHA256: Buffer.alloc(32).toString('base64') }, 'BadDigest'],
      [{ ContentMD5: 'AAAAAAAAAAAAAAAAAAAAAA==' }, 'BadDigest'],
      [{ ContentMD5: 'AAAA' }, 'InvalidDigest'],
    ]
    for (const [more, code] of wrong) expect(await refusal(put(made, 'other', more))).toEqual({ status: 400, code })
    expect(made.fake.keys()).toEqual(['k'])
    const checked = new HeadObjectCommand({ ...made.at('k'), ChecksumMode: 'ENABLED' })
    expect((await made.client.send(checked)).ChecksumCRC32).toBe(abcCrc32)
  })

  it('is refused when it is too much', async () => {
    const made = await stage({ quirks: { bodyBytesMax: 1_000_000, capacityBytes: 1_500_000 } })
    const body = new Uint8Array(1_000_000)
    expect(await refusal(put(made, 'k', { Metadata: { long: 'x'.repeat(2048) } }))).toEqual({
      status: 400,
      code: 'MetadataTooLarge',
    })
    expect(await refusal(put(made, 'x'.repeat(1025)))).toEqual({ status: 400, code: 'KeyTooLongError' })
    expect((await refusal(put(made, 'k', { Body: new Uint8Array(1_000_001) }))).status).toBe(413)
    await put(made, 'k', { Body: body })
    await put(made, 'k', { Body: body })
    expect((await refusal(put(made, 'k2', { Body: body }))).status).toBe(507)
    expect(made.fake.keys()).toEqual(['k'])
  })
})

describe('a delete', () => {
  it('is content when there is nothing, except on a condition', async () => {
    const { client, at, fake } = await stageWithAbc()
    const remove = (key: string, IfMatch?: string) => client.send(new DeleteObjectCommand({ ...at(key), IfMatch }))
    expect((await remove('absent')).$metadata.httpStatusCode).toBe(204)
    expect(await refusal(remove('absent', '"0"'))).toEqual({ status: 404, code: 'NoSuchKey' })
    expect(await refusal(remove('a/b', '"0"'))).toEqual({ status: 412, code: 'PreconditionFailed' })
    expect(fake.keys()).toEqual(['a/b'])
    await remove('a/b', `"${abcMd5}"`)
    expect(fake.keys()).toEqual([])
  })

  it('of many names those that are gone, or only the others', async () => {
    const { client, fake } = await stageWithAbc()
    fake.putDirectly('c & <d>', text('x'))
    const remove = (Quiet: boolean, Objects: { Key: string; ETag?: string }[]) =>
      client.send(new DeleteObjectsCommand({ Bucket: fake.bucket, Delete: { Objects, Quiet } }))
    const loud = await remove(false, [{ Key: 'c & <d>' }, { Key: 'absent' }, { Key: 'a/b', ETag: '"0"' }])
    expect(loud.Deleted).toEqual([{ Key: 'c & <d>' }, { Key: 'absent' }])
    expect(loud.Errors).toMatchObject([{ Key: 'a/b', Code: 'PreconditionFailed' }])
    const quiet = await remove(true, [{ Key: 'a/b' }])
    expect([quiet.Deleted, quiet.Errors]).toEqual([undefined, undefined])
    expect(fake.keys()).toEqual([])
    const tooMany = Array.from({ length: 1001 }, (_, i) => ({ Key: `k${i}` }))
    expect(await refusal(remove(true, tooMany))).toEqual({ status: 400, code: 'MalformedXML' })
  })
})

it('what this server does not know is refused, not guessed', async () => {
  const { client, at, fake } = await stageWithAbc()
  const acl = new PutObjectCommand({ ...at('k'), Body: text('x') })
  client.middlewareStack.add(
    (next) => (args) => {
      const request = args.request as { query: Record<string, string> }
      request.query.acl = ''
      return next(args)
    },
    { step: 'build' },
  )
  expect(await refusal(client.send(acl))).toEqual({ status: 501, code: 'NotImplemented' })
  expect(fake.requests.at(-1)?.operation).toBe('Other')
  expect(fake.keys()).toEqual(['a/b'])
})
