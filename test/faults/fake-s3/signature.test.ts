import { GetObjectCommand, HeadBucketCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { describe, expect, it } from 'vitest'
import { createS3Client } from '../../../src/adapters/s3/client.ts'
import { parseHead } from './request.ts'
import { checkSignature } from './signature.ts'
import { closeStages, elementText, refusal, type Stage, stage, text } from './stage.ts'

closeStages()

// The examples of Amazon's own pages on signature version 4 in the Authorization header and in the query.
const amazon = {
  account: { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' },
  region: 'us-east-1',
  regionChecked: true,
  presigned: true,
  clockWindowMs: 15 * 60_000,
  nowMs: Date.parse('2013-05-24T00:00:00Z'),
}
const credential = 'Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request'
const emptyHash = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
const common = { host: 'examplebucket.s3.amazonaws.com', 'x-amz-date': '20130524T000000Z' }

const authorization = (signedHeaders: string, signature: string) =>
  `AWS4-HMAC-SHA256 ${credential},SignedHeaders=${signedHeaders},Signature=${signature}`

const examples = {
  'GET with a range': {
    ...parseHead('GET', '/test.txt', {
      ...common,
      range: 'bytes=0-9',
      'x-amz-content-sha256': emptyHash,
      authorization: authorization(
        'host;range;x-amz-content-sha256;x-amz-date',
        'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
      ),
    }),
    body: text(''),
  },
  'PUT of a key with a special character': {
    ...parseHead('PUT', '/test%24file.text', {
      ...common,
      date: 'Fri, 24 May 2013 00:00:00 GMT',
      'x-amz-storage-class': 'REDUCED_REDUNDANCY',
      'x-amz-content-sha256': '44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072',
      authorization: authorization(
        'date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class',
        '98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd',
      ),
    }),
    body: text('Welcome to Amazon S3.'),
  },
  'a listing': {
    ...parseHead('GET', '/?max-keys=2&prefix=J', {
      ...common,
      'x-amz-content-sha256': emptyHash,
      authorization: authorization(
        'host;x-amz-content-sha256;x-amz-date',
        '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7',
      ),
    }),
    body: text(''),
  },
  'a signed URL': {
    ...parseHead(
      'GET',
      '/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404',
      { host: common.host },
    ),
    body: text(''),
  },
}

describe("a signature like those of Amazon's documentation", () => {
  for (const [what, request] of Object.entries(examples)) {
    it(`is accepted for ${what}`, () => {
      checkSignature(request, amazon)
    })

    it(`is refused for ${what} when anything else was asked for`, () => {
      const wrong = { status: 403, code: 'SignatureDoesNotMatch' }
      const refused = (changes: object) => expect.soft(() => checkSignature({ ...request, ...changes }, amazon))
      refused({ method: 'DELETE' }).toThrow(expect.objectContaining(wrong))
      refused({ rawPath: '/test%24file.texts' }).toThrow(expect.objectContaining(wrong))
      refused({ query: [...request.query, ['uploads', '']] }).toThrow(expect.objectContaining(wrong))
      refused({ headers: { ...request.headers, host: 'other' } }).toThrow(expect.objectContaining(wrong))
    })
  }
})

describe('a request is refused', () => {
  const asked = (made: Stage, client: S3Client) => refusal(client.send(new GetObjectCommand(made.at('k'))))
  const otherClient = ({ fake }: Stage, changes: object) =>
    createS3Client({ endpoint: fake.origin, region: fake.region, credentials: fake.credentials, ...changes })

  it('with a wrong secret, an unknown key or another region', async () => {
    const made = await stage()
    const { accessKeyId, secretAccessKey } = made.fake.credentials
    const wrongSecret = otherClient(made, { credentials: { accessKeyId, secretAccessKey: `${secretAccessKey}x` } })
    expect(await asked(made, wrongSecret)).toEqual({ status: 403, code: 'SignatureDoesNotMatch' })
    const unknownKey = otherClient(made, { credentials: { accessKeyId: 'AKIAUNKNOWN', secretAccessKey } })
    expect(await asked(made, unknownKey)).toEqual({ status: 403, code: 'InvalidAccessKeyId' })
    expect(await asked(made, otherClient(made, { region: 'eu-central-1' }))).toEqual({
      status: 400,
      code: 'AuthorizationHeaderMalformed',
    })
    expect(made.fake.requests.map(({ status }) => status)).toEqual([403, 403, 400])
  })

  it('without credentials', async () => {
    const { fake } = await stage()
    const answer = await fetch(`${fake.origin}/${fake.bucket}/k`)
    expect(answer.status).toBe(403)
    expect(elementText(await answer.text(), 'Code')).toBe('AccessDenied')
    const put = await fetch(`${fake.origin}/${fake.bucket}/k`, { method: 'PUT', body: 'x' })
    expect(put.status).toBe(403)
    expect(fake.keys()).toEqual([])
  })

  it('when its body, a header or the target is not what was signed', async () => {
    const tampered = async (
      change: (request: { headers: Record<string, string>; path: string; body: unknown }) => void,
    ) => {
      const made = await stage()
      made.client.middlewareStack.add(
        (next) => (args) => {
          change(args.request as Parameters<typeof change>[0])
          return next(args)
        },
        { step: 'finalizeRequest', priority: 'low' },
      )
      const code = await refusal(made.client.send(new PutObjectCommand({ ...made.at('k'), Body: text('abc') })))
      expect(made.fake.keys()).toEqual([])
      return code
    }
    expect(await tampered((request) => Object.assign(request, { body: text('abd') }))).toEqual({
      status: 400,
      code: 'XAmzContentSHA256Mismatch',
    })
    expect(await tampered((request) => Object.assign(request, { path: `${request.path}2` }))).toEqual({
      status: 403,
      code: 'SignatureDoesNotMatch',
    })
    expect(await tampered(({ headers }) => Object.assign(headers, { 'x-amz-meta-late': 'x' }))).toEqual({
      status: 403,
      code: 'AccessDenied',
    })
  })

  it('outside of the clock window, and says what time it is', async () => {
    const windows = { aws: 15, runpod: 60 } as const
    for (const [profile, minutes] of Object.entries(windows)) {
      for (const side of [-1, 1]) {
        const skewed = (byMinutes: number) => () => Date.now() + side * byMinutes * 60_000
        const inside = await stage({ profile: profile as keyof typeof windows, nowMs: skewed(minutes - 1) })
        await inside.client.send(new HeadBucketCommand({ Bucket: inside.fake.bucket }))
        const outside = await stage({ profile: profile as keyof typeof windows, nowMs: skewed(minutes + 1) })
        expect(await asked(outside, outside.client)).toEqual({ status: 403, code: 'RequestTimeTooSkewed' })
        // The SDK corrects its clock by the answer.
        expect(await refusal(outside.client.send(new GetObjectCommand(outside.at('k'))))).not.toMatchObject({
          code: 'RequestTimeTooSkewed',
        })
      }
    }
  })
})

describe('a signed URL', () => {
  it('opens its object to everybody, and nothing else', async () => {
    const { fake, client, at } = await stage()
    fake.putDirectly('a b/é#1.txt', text('abc'))
    const url = await getSignedUrl(client, new GetObjectCommand(at('a b/é#1.txt')), { expiresIn: 60 })
    expect(await (await fetch(url)).text()).toBe('abc')
    expect(await (await fetch(url, { headers: { range: 'bytes=1-' } })).text()).toBe('bc')
    for (const [other, options] of [
      [url, { method: 'DELETE' }],
      [url, { method: 'HEAD' }],
      [url.replace('.txt', '.txt2'), {}],
      [url.replace('X-Amz-Expires=60', 'X-Amz-Expires=600'), {}],
      [`${url}&response-content-type=text%2Fhtml`, {}],
      [url.replace(/Signature=./, (found) => (found.endsWith('0') ? 'Signature=1' : 'Signature=0')), {}],
    ] as const) {
      expect((await fetch(other, options)).status, other).toBe(403)
    }
    expect(fake.keys()).toEqual(['a b/é#1.txt'])
  })

  it('may rename what it opens', async () => {
    const { fake, client, at } = await stage()
    fake.putDirectly('k', text('abc'))
    const renaming = new GetObjectCommand({ ...at('k'), ResponseContentDisposition: 'attachment; filename="a b.txt"' })
    const answer = await fetch(await getSignedUrl(client, renaming))
    expect(answer.headers.get('content-disposition')).toBe('attachment; filename="a b.txt"')
    await answer.body?.cancel()
  })

  it('is over after its time, and not valid before', async () => {
    let nowMs = Date.now()
    const { fake, client, at } = await stage({ nowMs: () => nowMs })
    fake.putDirectly('k', text('abc'))
    const url = await getSignedUrl(client, new GetObjectCommand(at('k')), { expiresIn: 60 })
    const status = async (atMs: number) => {
      nowMs = atMs
      const answer = await fetch(url)
      return [answer.status, elementText(await answer.text(), 'Message')]
    }
    const signedMs = nowMs
    expect(await status(signedMs + 50_000)).toEqual([200, undefined])
    expect(await status(signedMs + 62_000)).toEqual([403, 'Request has expired'])
    expect(await status(signedMs - 20 * 60_000)).toEqual([403, 'Request is not valid yet'])
  })

  it('may put one object, with the metadata that it names', async () => {
    const { fake, client, at } = await stage()
    const put = new PutObjectCommand({ ...at('k'), Metadata: { run: '7' } })
    const url = await getSignedUrl(client, put, { expiresIn: 60 })
    const answer = await fetch(url, { method: 'PUT', body: 'abc', headers: { 'content-type': 'text/plain' } })
    expect(answer.status).toBe(200)
    expect(fake.object('k')).toMatchObject({ contentType: 'text/plain', metadata: { run: '7' } })
  })
})
