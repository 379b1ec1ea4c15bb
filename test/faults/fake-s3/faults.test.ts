import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { describe, expect, it } from 'vitest'
import type { Fault } from './fault.ts'
import { badGateway, edgeTimeout, errorInside200, internalError, slowDown } from './fault-answers.ts'
import { closeStages, refusal, type Stage, stage, text } from './stage.ts'

closeStages()

const put = ({ client, at }: Stage, key: string, body = 'new') =>
  client.send(new PutObjectCommand({ ...at(key), Body: text(body) }))
const stored = ({ fake }: Stage, key: string) => {
  const found = fake.object(key)
  return found && new TextDecoder().decode(found.body)
}
/** Gone without a status: the connection broke. */
const broken = { status: undefined }

describe('a fault meets', () => {
  it('the n-th request of its operation from now on, and no other', async () => {
    const made = await stage()
    await put(made, 'before')
    const takeBack = made.fake.inject('PutObject', 2, { when: 'before-commit', answer: internalError })
    made.fake.inject('GetObject', 'every', { when: 'before-commit', answer: internalError })
    await put(made, 'a')
    await made.client.send(new HeadObjectCommand(made.at('a')))
    expect(await refusal(put(made, 'b'))).toEqual({ status: 500, code: 'InternalError' })
    await put(made, 'c')
    expect(made.fake.keys()).toEqual(['a', 'before', 'c'])
    takeBack()
    made.fake.inject('PutObject', [1, 3], { when: 'before-commit', answer: internalError })
    made.fake.inject('any', (nth) => nth === 4, { when: 'before-commit', answer: slowDown() })
    expect((await refusal(put(made, 'd'))).status).toBe(500)
    await put(made, 'e')
    expect((await refusal(put(made, 'f'))).status).toBe(500)
    expect(await refusal(put(made, 'g'))).toEqual({ status: 503, code: 'SlowDown' })
    expect(made.fake.requests.map(({ operation, key, status }) => [operation, key, status])).toEqual([
      ['PutObject', 'before', 200],
      ['PutObject', 'a', 200],
      ['HeadObject', 'a', 200],
      ['PutObject', 'b', 500],
      ['PutObject', 'c', 200],
      ['PutObject', 'd', 500],
      ['PutObject', 'e', 200],
      ['PutObject', 'f', 500],
      ['PutObject', 'g', 503],
    ])
    expect(made.fake.count('PutObject')).toBe(8)
    expect(made.fake.count()).toBe(9)
  })
})

describe('a fault before the commit changes nothing, and one after it changes all', () => {
  const endings: [what: string, fault: object, seen: object][] = [
    ['an answer', { answer: slowDown(2) }, { status: 503, code: 'SlowDown' }],
    ['an edge that gives up', { answer: edgeTimeout }, { status: 524 }],
    ['a page of a proxy', { answer: badGateway }, { status: 502 }],
    ['a reset', { drop: 'reset' }, broken],
    ['a close', { drop: 'close' }, broken],
  ]
  for (const [what, fault, seen] of endings) {
    it(`by ${what}`, async () => {
      const made = await stage()
      await put(made, 'k', 'old')
      for (const [when, after] of [
        ['before-commit', 'old'],
        ['after-commit', 'new'],
      ] as const) {
        made.fake.inject('PutObject', 1, { when, ...fault } as Fault)
        expect(await refusal(put(made, 'k'))).toMatchObject(seen)
        expect(stored(made, 'k')).toBe(after)
      }
      await put(made, 'k', 'once more')
      expect(stored(made, 'k')).toBe('once more')
    })
  }

  it('by silence, until the client leaves', async () => {
    const made = await stage()
    for (const when of ['before-commit', 'after-commit'] as const) {
      made.fake.inject('PutObject', 1, { when, hang: true })
      const controller = new AbortController()
      const sent = made.client.send(new PutObjectCommand({ ...made.at(when), Body: text('x') }), {
        abortSignal: controller.signal,
      })
      await until(() => made.fake.count() > 0 && made.fake.connections() === 1)
      controller.abort()
      expect((await refusal(sent)).code).toBe('AbortError')
      await until(() => made.fake.connections() === 0)
    }
    expect(made.fake.keys()).toEqual(['after-commit'])
    expect(made.fake.requests.map(({ status }) => status)).toEqual([undefined, undefined])
  })
})

describe('a fault of the body', () => {
  const whole = text('0123456789'.repeat(50_000))

  async function received(fault: Fault, options: { abortAfterBytes?: number } = {}) {
    const made = await stage()
    made.fake.putDirectly('k', whole)
    made.fake.inject('GetObject', 1, fault)
    const controller = new AbortController()
    const answer = await made.client.send(new GetObjectCommand(made.at('k')), { abortSignal: controller.signal })
    if (answer.Body === undefined) throw new Error('there is no body')
    const reader = (answer.Body.transformToWebStream() as ReadableStream<Uint8Array>).getReader()
    const pieces: Uint8Array[] = []
    let bytes = 0
    try {
      for (;;) {
        const { done, value } = await reader.read()
        if (done) break
        pieces.push(value)
        bytes += value.byteLength
        if (bytes === options.abortAfterBytes) {
          expect(made.fake.connections()).toBe(1)
          controller.abort()
        }
      }
      return { length: answer.ContentLength, body: Buffer.concat(pieces), clean: true }
    } catch {
      return { length: answer.ContentLength, body: Buffer.concat(pieces), clean: false }
    }
  }

  for (const how of ['reset', 'close'] as const) {
    it(`ends it early by ${how}, after exactly so many bytes`, async () => {
      for (const cutAt of [0, 1, 333_333, whole.byteLength - 1]) {
        const { length, body, clean } = await received({ body: { cutAt, how } })
        expect({ length, clean, bytes: body.byteLength }).toEqual({
          length: whole.byteLength,
          clean: false,
          bytes: cutAt,
        })
        expect(body.equals(whole.subarray(0, cutAt))).toBe(true)
      }
    })
  }

  it('ends it early without saying so, when it has no length', async () => {
    const { length, body, clean } = await received({ body: { cutAt: 1234, how: 'close', lengthless: true } })
    expect({ length, clean, bytes: body.byteLength }).toEqual({ length: undefined, clean: true, bytes: 1234 })
  })

  it('sends it whole in chunks, without a length', async () => {
    const { length, body, clean } = await received({ body: { chunked: true } })
    expect({ length, clean }).toEqual({ length: undefined, clean: true })
    expect(body.equals(whole)).toBe(true)
  })

  it('stops it for ever', async () => {
    const { body, clean } = await received({ body: { cutAt: 1234, how: 'stall' } }, { abortAfterBytes: 1234 })
    expect({ clean, bytes: body.byteLength }).toEqual({ clean: false, bytes: 1234 })
  })

  it('changes one byte of what is sent, or of what is received', async () => {
    const { body, clean } = await received({ body: { flipByteAt: 70_000 } })
    expect(clean).toBe(true)
    expect(Uint8Array.from(body).findIndex((byte, i) => byte !== whole[i])).toBe(70_000)
    expect(body.subarray(70_001).equals(whole.subarray(70_001))).toBe(true)

    const made = await stage()
    made.fake.inject('PutObject', 1, { received: { flipByteAt: 1 } })
    expect(await refusal(put(made, 'k'))).toEqual({ status: 400, code: 'XAmzContentSHA256Mismatch' })
    expect(made.fake.keys()).toEqual([])
  })

  it('cuts listings too', async () => {
    const made = await stage()
    made.fake.putDirectly('k', whole)
    made.fake.inject('ListObjectsV2', 1, { body: { cutAt: { share: 0.5 }, how: 'close', lengthless: true } })
    const list = () => made.client.send(new ListObjectsV2Command({ Bucket: made.fake.bucket }))
    await expect(list()).rejects.toThrow(/XML/)
    expect((await list()).KeyCount).toBe(1)
  })
})

describe('a Complete', () => {
  async function readyUpload() {
    const made = await stage()
    const { UploadId } = await made.client.send(new CreateMultipartUploadCommand(made.at('k')))
    const upload = { ...made.at('k'), UploadId }
    const { ETag } = await made.client.send(new UploadPartCommand({ ...upload, PartNumber: 1, Body: text('part') }))
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] }
    return {
      made,
      complete: () => made.client.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload })),
    }
  }

  it('may land after it was answered', async () => {
    const { made, complete } = await readyUpload()
    made.fake.inject('CompleteMultipartUpload', 1, { commitLater: { ms: 100 }, answer: edgeTimeout })
    expect((await refusal(complete())).status).toBe(524)
    expect([made.fake.keys(), made.fake.openUploads().length]).toEqual([[], 1])
    await until(() => stored(made, 'k') === 'part')
    expect(made.fake.openUploads()).toEqual([])
  })

  it('may be acknowledged and lost, and its upload stays', async () => {
    const { made, complete } = await readyUpload()
    made.fake.inject('CompleteMultipartUpload', 1, { loses: true })
    await complete()
    expect(made.fake.keys()).toEqual([])
    expect(made.fake.commits).toEqual([])
    expect(made.fake.openUploads()).toMatchObject([{ key: 'k', parts: 1 }])
    await complete()
    expect(stored(made, 'k')).toBe('part')
    expect(made.fake.commits).toMatchObject([{ key: 'k' }])
  })

  it('may say 200 and mean an error', async () => {
    const { made, complete } = await readyUpload()
    made.fake.inject('CompleteMultipartUpload', 1, { when: 'before-commit', answer: errorInside200 })
    expect((await refusal(complete())).code).toBe('InternalError')
    expect(made.fake.keys()).toEqual([])
  })
})

it('a delay comes before the work, and then all is well', async () => {
  const made = await stage()
  made.fake.inject('PutObject', 1, { delayMs: 50 })
  const startedMs = Date.now()
  const sent = put(made, 'k')
  await until(() => made.fake.count() === 1)
  expect(made.fake.keys()).toEqual([])
  await sent
  expect(stored(made, 'k')).toBe('new')
  // Timers may be a little early.
  expect(Date.now() - startedMs).toBeGreaterThanOrEqual(45)
})

it('a lost acknowledgement of a put leaves the old object', async () => {
  const made = await stage()
  await put(made, 'k', 'old')
  made.fake.inject('PutObject', 1, { loses: true })
  expect((await put(made, 'k')).ETag).toBe('"22af645d1859cb5ca6da0c484f1f37ea"')
  expect(stored(made, 'k')).toBe('old')
})

describe('random failures', () => {
  const outcomes = async (options: { seed: number; failureShare: number; backwards?: boolean }) => {
    const made = await stage(options)
    const keys = Array.from({ length: 300 }, (_, i) => `k${i}`)
    if (options.backwards) keys.reverse()
    await Promise.all(keys.map((key) => put(made, key).catch(() => undefined)))
    return made.fake.requests.map(({ key, fault }) => `${key} ${JSON.stringify(fault)}`).sort()
  }
  const failed = (seen: string[]) => seen.filter((line) => !line.endsWith('undefined'))

  it('are about as many as was asked for, of several kinds', async () => {
    const seen = failed(await outcomes({ seed: 7, failureShare: 0.2 }))
    expect(seen.length).toBeGreaterThan(30)
    expect(seen.length).toBeLessThan(90)
    expect(new Set(seen.map((line) => line.slice(line.indexOf(' ')))).size).toBeGreaterThanOrEqual(5)
    expect(failed(await outcomes({ seed: 7, failureShare: 0 }))).toEqual([])
  })

  it('are the same for the same seed, in whatever order the requests come', async () => {
    const once = await outcomes({ seed: 7, failureShare: 0.2 })
    expect(await outcomes({ seed: 7, failureShare: 0.2, backwards: true })).toEqual(once)
    expect(await outcomes({ seed: 8, failureShare: 0.2 })).not.toEqual(once)
  })
})

it('stopping ends what hangs', async () => {
  const made = await stage()
  made.fake.inject('any', 'every', { when: 'before-commit', hang: true })
  const sent = refusal(put(made, 'k'))
  await until(() => made.fake.count() === 1)
  await made.fake.stop()
  await made.fake.stop()
  expect(await sent).toMatchObject(broken)
})

/** Looks again and again; fails after what can only be a hang. */
async function until(holds: () => boolean): Promise<void> {
  const deadlineMs = Date.now() + 10_000
  while (!holds()) {
    if (Date.now() > deadlineMs) throw new Error('it never came about')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
