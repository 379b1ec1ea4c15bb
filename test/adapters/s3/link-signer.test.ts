import { afterAll, beforeAll, expect, it } from 'vitest'
import { createS3LinkSigner, linkSecondsMax, signPartUpload } from '../../../src/adapters/s3/link-signer.ts'
import { createS3ObjectStore } from '../../../src/adapters/s3/object-store.ts'
import { createSystemClock } from '../../../src/adapters/system/clock.ts'
import { createIds } from '../../../src/adapters/web-crypto/ids.ts'
import { UnsupportedByStore } from '../../../src/ports/errors.ts'
import type { LinkGrant } from '../../../src/ports/link-signer.ts'
import { parseObjectKey } from '../../../src/ports/object-key.ts'
import { describeLinkSigner } from '../../contract/link-signer.ts'
import { type S3rver, startS3rver } from '../../servers/s3rver.ts'

const { signal } = new AbortController()
const clock = createSystemClock()
const key = parseObjectKey('folder/ä b#1+.png')
const inOneHour = () => new Date(Math.floor(clock.nowMs() / 1000 + 3600) * 1000)

let server: S3rver
beforeAll(async () => {
  server = await startS3rver()
})
afterAll(() => server.stop())

const place = () => ({ client: server.client, bucket: server.bucket, prefix: 'links' })
const openStore = () => createS3ObjectStore({ ...place(), ids: createIds() })
const grant = (): LinkGrant => ({
  purpose: 'object',
  subject: key,
  expiresAt: inOneHour(),
  disposition: 'attachment',
  filename: 'žába "1".png',
})

it('makes a URL that opens the object without credentials, whole and in part, under its file name', async () => {
  const facts = { signal, when: 'always', contentType: 'image/png' } as const
  await openStore().put(key, new TextEncoder().encode('0123456789'), facts)
  const url = await createS3LinkSigner({ ...place(), clock }).sign(grant())
  const whole = await fetch(url)
  expect(whole.status).toBe(200)
  expect(await whole.text()).toBe('0123456789')
  expect(whole.headers.get('content-type')).toBe('image/png')
  expect(whole.headers.get('content-disposition')).toBe(
    `attachment; filename="zaba _1_.png"; filename*=UTF-8''%C5%BE%C3%A1ba%20%221%22.png`,
  )
  const part = await fetch(url, { headers: { range: 'bytes=2-4' } })
  expect(part.status).toBe(206)
  expect(await part.text()).toBe('234')
})

it('ends when the grant says, to the second', async () => {
  const nowMs = Date.parse('2025-11-12T10:00:00.700Z')
  const signer = createS3LinkSigner({ ...place(), clock: { nowMs: () => nowMs } })
  const url = new URL(await signer.sign({ ...grant(), expiresAt: new Date('2025-11-12T10:15:00Z') }))
  expect(url.searchParams.get('X-Amz-Date')).toBe('20251112T100000Z')
  expect(url.searchParams.get('X-Amz-Expires')).toBe('900')
  const over = await signer.sign({ ...grant(), expiresAt: new Date('2025-11-12T09:00:00Z') })
  expect((await fetch(over)).status).toBe(403)
})

it('signs objects only, and for no more than a week', async () => {
  const signer = createS3LinkSigner({ ...place(), clock })
  await expect(signer.sign({ ...grant(), purpose: 'export' })).rejects.toBeInstanceOf(UnsupportedByStore)
  const expiresAt = new Date(clock.nowMs() + (linkSecondsMax + 5) * 1000)
  await expect(signer.sign({ ...grant(), expiresAt })).rejects.toBeInstanceOf(UnsupportedByStore)
})

it('lets somebody without credentials send one part', async () => {
  const store = openStore()
  const upload = await store.createMultipart(key, { signal, contentType: 'image/png' })
  const links = { ...place(), clock }
  const url = await signPartUpload(links, upload, { partNumber: 1, expiresAt: inOneHour() })
  expect(url).not.toMatch(/checksum/i)
  const sent = await fetch(url, { method: 'PUT', body: 'by the browser' })
  expect(sent.status).toBe(200)
  const part = { partNumber: 1, etag: (sent.headers.get('etag') ?? '').replaceAll('"', ''), sizeBytes: 14 }
  await store.completeMultipart(upload, [part], { signal, when: 'always' })
  const got = await store.get(key, { signal })
  expect(await new Response(got?.body).text()).toBe('by the browser')
})

describeLinkSigner('s3, presigned for s3rver', {
  async open() {
    const own = await startS3rver()
    const at = { client: own.client, bucket: own.bucket, prefix: 'contract' }
    const signer = createS3LinkSigner({ ...at, clock })
    return { signer, store: createS3ObjectStore({ ...at, ids: createIds() }), nowMs: clock.nowMs, close: own.stop }
  },
  gaps: {
    unsigned: 's3rver reads the expiry of a presigned URL and compares no signature',
    getOnly: 'signature version 4 signs the method',
  },
})
