import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { StoreDenied, StoreFull, StoreUnavailable } from '../../../src/ports/errors.ts'
import type { ObjectStore } from '../../../src/ports/object-store.ts'
import { contentType, form } from '../../adapters/busboy/forms.ts'
import { pulledBody } from '../bodies.ts'
import { createService, createTestClock } from '../memory-service.ts'
import {
  caption,
  codes,
  formBytes,
  image,
  largeImage,
  type Part,
  partBytes,
  sendForm,
  statuses,
  upload,
} from './uploads.ts'

const MiB = 2 ** 20

/** A store that does `put` for the keys of datasets in its own way. */
const withPut =
  (put: (store: ObjectStore, ...args: Parameters<ObjectStore['put']>) => ReturnType<ObjectStore['put']>) =>
  (store: ObjectStore): ObjectStore => ({
    ...store,
    put: (key, body, options) =>
      key.startsWith('dataset/') ? put(store, key, body, options) : store.put(key, body, options),
  })

const failing = (name: string, error: Error) =>
  withPut(async (store, key, body, options) => {
    if (key.endsWith(name)) throw error
    return await store.put(key, body, options)
  })

describe('a store that fails one file', () => {
  it('fails that file, and the others go on', async () => {
    const service = createService({ wrap: failing('b.jpg', new StoreUnavailable('connect ECONNREFUSED 10.0.0.7:443')) })
    const report = await upload(service, 'matt', [image('a.jpg'), image('b.jpg'), image('c.jpg')])
    expect(report.status).toBe(207)
    expect(statuses(report)).toEqual(['a.jpg stored', 'b.jpg failed', 'c.jpg stored'])
    expect(codes(report)).toEqual(['a.jpg -', 'b.jpg store-unavailable', 'c.jpg -'])
    expect(report.totals).toMatchObject({ stored: 2, failed: 1, rejected: 0, images: 2 })
    expect(JSON.stringify(report)).not.toContain('10.0.0.7')
    expect(await service.keys('dataset/')).toEqual(['dataset/matt/a.jpg', 'dataset/matt/c.jpg'])
  })

  it.each([
    [new StoreFull('no space'), 'store-full'],
    [new StoreDenied('AccessDenied for bucket canary'), 'store-denied'],
    [new TypeError('oops'), 'internal-error'],
  ])('says in its code what was wrong, and no more: %s', async (error, code) => {
    const report = await upload(createService({ wrap: failing('b.jpg', error) }), 'matt', [
      image('a.jpg'),
      image('b.jpg'),
    ])
    expect(codes(report)).toEqual(['a.jpg -', `b.jpg ${code}`])
    expect(JSON.stringify(report)).not.toContain('canary')
  })

  it('answers 422 when all files failed', async () => {
    const service = createService({ wrap: failing('', new StoreUnavailable('down')) })
    const report = await upload(service, 'matt', [image('a.jpg'), image('b.jpg')])
    expect(report).toMatchObject({ status: 422, totals: { failed: 2 } })
  })

  it('keeps mode=replace from removing anything', async () => {
    let down = false
    const service = createService({
      wrap: withPut(async (store, key, body, options) => {
        if (down && key.endsWith('b.jpg')) throw new StoreUnavailable('down')
        return await store.put(key, body, options)
      }),
    })
    await upload(service, 'matt', [image('old.jpg')])
    down = true
    const report = await upload(service, 'matt', [{ field: 'mode', value: 'replace' }, image('a.jpg'), image('b.jpg')])
    expect(report.status).toBe(207)
    expect(await service.keys('dataset/')).toEqual(['dataset/matt/a.jpg', 'dataset/matt/old.jpg'])
  })

  it('leaves no parts of a large file behind', async () => {
    let aborted = 0
    const clock = createTestClock()
    const service = createService({
      // A part is tried for long before it is given up.
      clock: { ...clock, sleep: async (ms) => clock.advance(ms) },
      wrap: (store) => ({
        ...store,
        putPart: async (upload, number, body, options) => {
          if (number === 2) throw new StoreUnavailable('down')
          return await store.putPart(upload, number, body, options)
        },
        abortMultipart: async (upload, options) => {
          aborted += 1
          await store.abortMultipart(upload, options)
        },
      }),
    })
    const report = await upload(service, 'matt', [image('a.jpg'), largeImage('big.jpg', 20 * MiB), caption('a.txt')])
    expect(codes(report)).toEqual(['a.jpg -', 'big.jpg store-unavailable', 'a.txt -'])
    expect(aborted).toBe(1)
  })

  it('leaves no parts of a large file that is refused at its end', async () => {
    const opened: string[] = []
    const aborted: string[] = []
    const service = createService({
      wrap: (store) => ({
        ...store,
        createMultipart: async (key, options) => {
          opened.push(key)
          return await store.createMultipart(key, options)
        },
        abortMultipart: async (upload, options) => {
          aborted.push(upload.key)
          await store.abortMultipart(upload, options)
        },
      }),
    })
    // A PNG whose last chunk never comes.
    const endless = { name: 'endless.png', bytes: new Uint8Array(20 * MiB) }
    endless.bytes.set([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52])
    endless.bytes.set([0, 0, 4, 0, 0, 0, 4, 0, 8, 2, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0x49, 0x44, 0x41, 0x54], 16)
    const report = await upload(service, 'matt', [endless, image('a.jpg')])
    expect(codes(report)).toEqual(['endless.png image-truncated', 'a.jpg -'])
    expect(opened).toEqual(['dataset/matt/endless.png'])
    expect(aborted).toEqual(opened)
    expect(await service.keys()).toEqual(['dataset/matt/a.jpg'])
  })
})

describe('a store that takes its time', () => {
  it('gets several files at once, while later ones are read', async () => {
    let inFlight = 0
    let most = 0
    const begun: string[] = []
    const readWhenFirstEnded: number[] = []
    const parts: Part[] = Array.from({ length: 60 }, (_, i) => caption(`${i}.txt`))
    const body = pulledBody([...parts.map(partBytes), new Uint8Array(form())])
    const service = createService({
      wrap: withPut(async (store, key, bytes, options) => {
        begun.push(key)
        inFlight += 1
        most = Math.max(most, inFlight)
        await delay(20)
        if (readWhenFirstEnded.length === 0) readWhenFirstEnded.push(body.pulledBytes())
        inFlight -= 1
        return await store.put(key, bytes, options)
      }),
    })
    const report = await sendForm(service, '/v1/datasets/matt/files', body.stream)
    expect(report.totals.stored).toBe(60)
    expect(most).toBeGreaterThanOrEqual(8)
    expect(most).toBeLessThanOrEqual(64)
    const [first = new Uint8Array()] = parts.map(partBytes)
    expect(readWhenFirstEnded[0]).toBeGreaterThan(4 * first.byteLength)
    expect(report.files.map(({ name }) => name)).toEqual(parts.map((part) => ('name' in part ? part.name : '')))
  })

  it('stops the reading of the form within the memory window, until the client leaves', async () => {
    const windowBytes = 16 * MiB
    const chunkBytes = 64 * 1024
    let puts = 0
    const service = createService({
      env: { UPLOAD_WINDOW_BYTES: `${windowBytes}` },
      wrap: withPut(
        (_, __, ___, { signal }) =>
          new Promise((_, reject) => {
            puts += 1
            signal.addEventListener('abort', () => reject(signal.reason), { once: true })
          }),
      ),
    })
    const whole = formBytes(Array.from({ length: 12 }, (_, i) => largeImage(`${i}.jpg`, 3 * MiB)))
    const chunks = Array.from({ length: Math.ceil(whole.byteLength / chunkBytes) }, (_, i) =>
      whole.slice(i * chunkBytes, (i + 1) * chunkBytes),
    )
    const body = pulledBody(chunks)
    const client = new AbortController()
    const answer = service
      .request('/v1/datasets/matt/files', {
        method: 'POST',
        body: body.stream,
        headers: { 'content-type': contentType },
        signal: client.signal,
      })
      .catch(() => undefined)

    const stalledAt = await settledValue(body.pulledBytes)
    // Several files are on their way, and the next waits for one of them.
    expect(puts).toBeGreaterThanOrEqual(2)
    expect(stalledAt).toBeGreaterThan(8 * MiB)
    // Above the window lie only the chunk in hand and what a parser holds back.
    expect(stalledAt).toBeLessThan(windowBytes + 3 * chunkBytes)

    client.abort()
    await answer
    expect(await service.keys()).toEqual([])
  })

  it('stops the reading inside of a file that is larger than the window', async () => {
    const windowBytes = 16 * MiB
    const never = new Promise<never>(() => undefined)
    const service = createService({
      env: { UPLOAD_WINDOW_BYTES: `${windowBytes}` },
      wrap: (store) => ({ ...store, putPart: () => never }),
    })
    const chunk = new Uint8Array(MiB)
    const [head = new Uint8Array()] = [partBytes(image('big.jpg')).subarray(0, -2)]
    const body = pulledBody([head, ...Array.from({ length: 60 }, () => chunk)])
    void service.request('/v1/datasets/matt/files', {
      method: 'POST',
      body: body.stream,
      headers: { 'content-type': contentType },
    })
    expect(await settledValue(body.pulledBytes)).toBeLessThan(windowBytes + 3 * MiB)
  })
})

/** The value once it has not changed for a while. */
async function settledValue(read: () => number): Promise<number> {
  for (let last = -1; ; ) {
    await delay(150)
    const now = read()
    if (now === last) return now
    last = now
  }
}
