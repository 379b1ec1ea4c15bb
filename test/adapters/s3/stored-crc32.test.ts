import type { IncomingMessage, ServerResponse } from 'node:http'
import { crc32 } from 'node:zlib'
import {
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createS3Client } from '../../../src/adapters/s3/client.ts'
import { createS3ObjectStore } from '../../../src/adapters/s3/object-store.ts'
import { combineCrc32 } from '../../../src/domain/object/crc32-combine.ts'
import { StoreUnavailable } from '../../../src/ports/errors.ts'
import { parseObjectKey } from '../../../src/ports/object-key.ts'
import type { ETag, ObjectStore } from '../../../src/ports/object-store.ts'
import { pattern } from '../../contract/object-store/harness.ts'
import { startFakeS3 } from '../../faults/fake-s3/fake-s3.ts'
import { startHttpStub } from '../../servers/http-stub.ts'
import { errorXml, storeAt } from './stubbed.ts'

const { signal } = new AbortController()
const key = parseObjectKey('files/x.bin')
const etag = '9b2cf535f27731c974343645a3985328-3' as ETag

const base64 = (crc: number) => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(crc)
  return bytes.toString('base64')
}

/** A part of an object, as a server keeps it. */
interface KeptPart {
  readonly size: number
  readonly crc32?: string
}

interface Kept {
  /** Headers of a HEAD in checksum mode. */
  readonly head: Record<string, string>
  readonly sizeBytes: number
  readonly parts?: readonly KeptPart[]
  /** Answers GetObjectAttributes in place of the list of parts. */
  readonly attributes?: (response: ServerResponse) => void
  readonly etag?: string
}

/** A server with one object, which speaks of checksums as Amazon documents it. */
async function serverWith(kept: Kept) {
  const stub = await startHttpStub((request: IncomingMessage, response: ServerResponse) => {
    if (request.method === 'HEAD') return answerHead(kept, request, response)
    if (kept.attributes !== undefined) return kept.attributes(response)
    expect(request.headers['x-amz-object-attributes']).toMatch(/ObjectParts/)
    const after = Number(request.headers['x-amz-part-number-marker'] ?? 0)
    response
      .writeHead(200, { 'content-type': 'application/xml', 'last-modified': new Date(0).toUTCString() })
      .end(attributesXml(kept, after, Number(request.headers['x-amz-max-parts'] ?? 1000)))
  })
  onTestFinished(() => stub.stop())
  return { store: storeAt(stub.origin), seen: stub.seen }
}

function answerHead(kept: Kept, request: IncomingMessage, response: ServerResponse) {
  const checksums = request.headers['x-amz-checksum-mode'] === 'ENABLED' ? kept.head : {}
  const about = { etag: `"${kept.etag ?? etag}"`, 'content-length': kept.sizeBytes, 'content-type': 'a/b' }
  response.writeHead(200, { ...about, ...checksums }).end()
}

function attributesXml({ parts = [] }: Kept, after: number, max: number): string {
  const page = parts.slice(after, after + max)
  const elements = page.map(({ size, crc32 }, index) => {
    const checksum = crc32 === undefined ? '' : `<ChecksumCRC32>${crc32}</ChecksumCRC32>`
    return `<Part><PartNumber>${after + index + 1}</PartNumber><Size>${size}</Size>${checksum}</Part>`
  })
  const reached = after + page.length
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<GetObjectAttributesResponse xmlns="http://s3.amazonaws.com/doc/2006-03-01/">',
    `<ETag>${etag}</ETag><ObjectParts><PartsCount>${parts.length}</PartsCount>`,
    `<PartNumberMarker>${after}</PartNumberMarker><NextPartNumberMarker>${reached}</NextPartNumberMarker>`,
    `<MaxParts>${max}</MaxParts><IsTruncated>${reached < parts.length}</IsTruncated>${elements.join('')}`,
    '</ObjectParts></GetObjectAttributesResponse>',
  ].join('\n')
}

const ask = (store: ObjectStore, of: { ifMatch?: ETag; sizeBytes: number; of?: string }) =>
  store.storedCrc32?.(of.of === undefined ? key : parseObjectKey(of.of), {
    ifMatch: of.ifMatch ?? etag,
    sizeBytes: of.sizeBytes,
    signal,
  })

const hello = { 'x-amz-checksum-crc32': base64(crc32('hello')), 'x-amz-checksum-type': 'FULL_OBJECT' }
const threeParts = [
  { size: 8_388_608, crc32: base64(1) },
  { size: 8_388_608, crc32: base64(0xffff_fffe) },
  { size: 5, crc32: base64(crc32('hello')) },
]
const composite = { 'x-amz-checksum-crc32': `${base64(7)}-3`, 'x-amz-checksum-type': 'COMPOSITE' }
const compositeBytes = 2 * 8_388_608 + 5

describe('the CRC-32 that an S3 store keeps', () => {
  it('of the whole object is read from one HEAD', async () => {
    expect(hello['x-amz-checksum-crc32']).toBe('NhCmhg==')
    const { store, seen } = await serverWith({ head: hello, sizeBytes: 5 })
    expect(await ask(store, { sizeBytes: 5 })).toEqual([{ sizeBytes: 5, crc32: crc32('hello') }])
    expect(seen).toHaveLength(1)
    expect(seen[0]).toMatch(/^HEAD /)
  })

  it('is none of another version, or of another length', async () => {
    const { store } = await serverWith({ head: hello, sizeBytes: 5 })
    expect(await ask(store, { sizeBytes: 6 })).toBeUndefined()
    expect(await ask(store, { sizeBytes: 5, ifMatch: 'other' as ETag })).toBeUndefined()
  })

  it.each([
    ['named so', composite],
    ['ending in their number', { 'x-amz-checksum-crc32': `${base64(7)}-3` }],
    ['told by the version alone', { 'x-amz-checksum-crc32': base64(7) }],
  ])('of parts is read part by part: %s', async (_, head) => {
    const { store, seen } = await serverWith({ head, sizeBytes: compositeBytes, parts: threeParts })
    expect(await ask(store, { sizeBytes: compositeBytes })).toEqual([
      { sizeBytes: 8_388_608, crc32: 1 },
      { sizeBytes: 8_388_608, crc32: 0xffff_fffe },
      { sizeBytes: 5, crc32: crc32('hello') },
    ])
    expect(seen).toHaveLength(2)
  })

  it('of thousands of parts is read in pages', async () => {
    const parts = Array.from({ length: 2_345 }, (_, index) => ({ size: 10, crc32: base64(index) }))
    const { store, seen } = await serverWith({ head: composite, sizeBytes: 23_450, parts })
    const pieces = await ask(store, { sizeBytes: 23_450 })
    expect(pieces).toEqual(parts.map((_, index) => ({ sizeBytes: 10, crc32: index })))
    expect(seen).toHaveLength(4)
  })

  it.each([
    ['a part without one', [...threeParts.slice(0, 2), { size: 5 }]],
    ['parts that do not make up the object', threeParts.slice(0, 2)],
    ['no part', []],
  ])('is none with %s', async (_, parts) => {
    const { store } = await serverWith({ head: composite, sizeBytes: compositeBytes, parts })
    expect(await ask(store, { sizeBytes: compositeBytes })).toBeUndefined()
  })

  it.each([
    ['refuses', (response: ServerResponse) => response.writeHead(403).end(errorXml('AccessDenied'))],
    [
      'does not know the question',
      (response: ServerResponse) => response.writeHead(501).end(errorXml('NotImplemented')),
    ],
    ['sends the object', (response: ServerResponse) => response.writeHead(200).end(Buffer.alloc(50_000, 7))],
    [
      'sends the object, which is a large document',
      (response: ServerResponse) => response.writeHead(200).end(`<svg>${'<g/>'.repeat(2 ** 20)}</svg>`),
    ],
  ])('is none where the store %s in place of its parts, and is not asked for again', async (_, attributes) => {
    const { store, seen } = await serverWith({ head: composite, sizeBytes: compositeBytes, attributes })
    for (const _ of ['once', 'twice']) expect(await ask(store, { sizeBytes: compositeBytes })).toBeUndefined()
    expect(seen.filter((request) => request.startsWith('GET '))).toHaveLength(1)
  })

  it('is not asked for, of small objects, where the store told none of sixteen', async () => {
    const { store, seen } = await serverWith({ head: {}, sizeBytes: 5 })
    for (let i = 0; i < 20; i++) expect(await ask(store, { sizeBytes: 5 })).toBeUndefined()
    expect(seen).toHaveLength(16)
    expect(await ask(store, { sizeBytes: 2 ** 30 })).toBeUndefined()
    expect(seen).toHaveLength(17)
  })

  it('is asked for of every object where the store told any', async () => {
    const { store, seen } = await serverWith({ head: { 'x-amz-checksum-crc64nvme': 'AAAAAAAAAAA=' }, sizeBytes: 5 })
    for (let i = 0; i < 20; i++) expect(await ask(store, { sizeBytes: 5 })).toBeUndefined()
    expect(seen).toHaveLength(20)
  })

  it.each([403, 400, 501, 404])('is none where the question is answered with %i', async (status) => {
    const stub = await startHttpStub((_, response) => response.writeHead(status).end())
    onTestFinished(() => stub.stop())
    expect(await ask(storeAt(stub.origin), { sizeBytes: 5 })).toBeUndefined()
  })

  it('is a failure of the store where that is away', async () => {
    const stub = await startHttpStub((_, response) => response.writeHead(503).end())
    onTestFinished(() => stub.stop())
    await expect(ask(storeAt(stub.origin), { sizeBytes: 5 })).rejects.toBeInstanceOf(StoreUnavailable)
  })
})

describe('the CRC-32 of what others put there', () => {
  async function stage(profile: 'aws' | 'ceph' | 'b2' = 'aws') {
    const fake = await startFakeS3({ profile })
    onTestFinished(() => fake.stop())
    const client = createS3Client({ endpoint: fake.origin, region: fake.region, credentials: fake.credentials })
    onTestFinished(() => client.destroy())
    const ids = { next: () => 'id', fraction: () => 0 }
    const store = createS3ObjectStore({ client, bucket: fake.bucket, prefix: '', ids })
    const at = (name: string) => ({ Bucket: fake.bucket, Key: name })
    return { fake, client, store, at }
  }

  it('in one piece is kept where it came with one', async () => {
    const { client, store, at } = await stage()
    const put = async (name: string, checksum: { ChecksumCRC32?: string }) => {
      const command = new PutObjectCommand({ ...at(name), Body: Buffer.from('hello'), ...checksum })
      return (await client.send(command)).ETag?.replaceAll('"', '') as ETag
    }
    const ifMatch = await put('with', { ChecksumCRC32: 'NhCmhg==' })
    await put('without', {})
    expect(await ask(store, { of: 'with', ifMatch, sizeBytes: 5 })).toEqual([{ sizeBytes: 5, crc32: crc32('hello') }])
    expect(await ask(store, { of: 'without', ifMatch, sizeBytes: 5 })).toBeUndefined()
  })

  const bodies = [pattern(5 * 2 ** 20, 1), pattern(5 * 2 ** 20, 2), pattern(1_234, 3)]
  const whole = Buffer.concat(bodies)

  async function upload({ client, at }: Awaited<ReturnType<typeof stage>>, algorithm: object): Promise<ETag> {
    const place = at('large')
    const { UploadId } = await client.send(new CreateMultipartUploadCommand({ ...place, ...algorithm }))
    const Parts: CompletedPart[] = []
    for (const [index, Body] of bodies.entries()) {
      const part = { PartNumber: index + 1 }
      const { ETag } = await client.send(new UploadPartCommand({ ...place, UploadId, ...part, Body }))
      Parts.push({ ...part, ETag })
    }
    const done = await client.send(
      new CompleteMultipartUploadCommand({ ...place, UploadId, MultipartUpload: { Parts } }),
    )
    return done.ETag?.replaceAll('"', '') as ETag
  }

  it.each([
    ['of the parts', { ChecksumAlgorithm: 'CRC32' }],
    ['of the whole', { ChecksumAlgorithm: 'CRC32', ChecksumType: 'FULL_OBJECT' }],
  ])('in parts is put together without a read, where it came with one %s', async (_, algorithm) => {
    const made = await stage()
    const ifMatch = await upload(made, algorithm)
    const pieces = await ask(made.store, { of: 'large', ifMatch, sizeBytes: whole.byteLength })
    expect(pieces).toHaveLength('ChecksumType' in algorithm ? 1 : 3)
    expect(pieces?.reduce((sum, piece) => combineCrc32(sum, piece.crc32, piece.sizeBytes), 0)).toBe(crc32(whole))
    expect(made.fake.count('GetObject')).toBe(0)
  })

  it.each([
    ['aws', {}],
    ['ceph', { ChecksumAlgorithm: 'CRC32' }],
  ] as const)(
    'in parts is not there where none was asked for or the store looks at none: %s',
    async (profile, algorithm) => {
      const made = await stage(profile)
      const ifMatch = await upload(made, algorithm)
      expect(await ask(made.store, { of: 'large', ifMatch, sizeBytes: whole.byteLength })).toBeUndefined()
      expect(made.fake.count('GetObject')).toBe(0)
    },
  )
})
