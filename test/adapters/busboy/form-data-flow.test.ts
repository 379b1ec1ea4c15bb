import { getEventListeners } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { FormPart } from '../../../src/adapters/busboy/form-data.ts'
import { bytesOf, field, file, form, read, source } from './forms.ts'

type FilePart = Extract<FormPart, { type: 'file' }>

async function nextFile(parts: AsyncIterator<FormPart, undefined>): Promise<FilePart> {
  const { value } = await parts.next()
  if (value?.type !== 'file') throw new Error('a file was expected')
  return value
}

const big = form(file('big.jpg', 'x'.repeat(100_000)), file('next.txt', 'next'), field('last', 'field'))

describe('the request', () => {
  it('is not read before the form is, and no further than a file is read', async () => {
    const request = source(big, 1000)
    const parts = read(request)
    await sleep(5)
    expect(request.pulls()).toBe(0)

    const { body } = await nextFile(parts)
    await sleep(5)
    expect(request.pulls()).toBe(1)

    const chunks = body[Symbol.asyncIterator]()
    for (let read = 1; read <= 10; read++) {
      await chunks.next()
      await sleep(1)
      // One chunk ahead at most, where the end of one was held back as a possible boundary.
      expect(request.pulls()).toBeLessThanOrEqual(read + 1)
    }
    await parts.return(undefined)
  })

  it('is read to its end, and let go of', async () => {
    const request = source(Buffer.concat([big, Buffer.alloc(10_000)]), 1000)
    for await (const _ of read(request));
    expect(request.stream.locked).toBe(false)
    await expect(request.stream.getReader().read()).resolves.toMatchObject({ done: true })
  })

  it('is left to its owner by a consumer who leaves early', async () => {
    const request = source(big, 1000)
    for await (const _ of read(request)) break
    expect(request.stream.locked).toBe(false)
    expect(request.cancelledWith()).toBeUndefined()
    await request.stream.cancel('not needed')
    expect(request.cancelledWith()).toBe('not needed')
  })
})

describe('a file', () => {
  const rest = ['next.txt', 'last']
  const names = async (parts: AsyncIterable<FormPart>) => {
    const seen: string[] = []
    for await (const found of parts) seen.push(found.type === 'file' ? found.fileName : found.name)
    return seen
  }

  it('may be left unread', async () => {
    for (const chunkBytes of [7, 1000, big.length]) {
      expect(await names(read(big, { chunkBytes }))).toEqual(['big.jpg', ...rest])
    }
  })

  it('may be left in the middle', async () => {
    for (const chunkBytes of [7, 1000, big.length]) {
      const parts = read(big, { chunkBytes })
      const { body } = await nextFile(parts)
      for await (const _ of body) break
      expect(await names(parts)).toEqual(rest)
    }
  })

  it('cannot be read after the next part was asked for', async () => {
    const parts = read(big, { chunkBytes: 1000 })
    const { body } = await nextFile(parts)
    await parts.next()
    await expect(bytesOf(body)).rejects.toMatchObject({ code: 'malformed-form' })
    expect(await names(parts)).toEqual(['last'])
  })

  it('cannot be read twice', async () => {
    const parts = read(big)
    const { body } = await nextFile(parts)
    expect(await bytesOf(body)).toHaveLength(100_000)
    await expect(bytesOf(body)).rejects.toMatchObject({ code: 'malformed-form' })
    expect(await names(parts)).toEqual(rest)
  })

  it('never looks whole when it is skipped while it is being read', async () => {
    for (const chunkBytes of [1000, 50_000, big.length]) {
      const parts = read(big, { chunkBytes })
      const { body } = await nextFile(parts)
      const reading = bytesOf(body)
      const following = nextFile(parts)
      await expect(reading).rejects.toMatchObject({ code: 'malformed-form' })
      expect((await following).fileName).toBe('next.txt')
      expect(await names(parts)).toEqual(['last'])
    }
  })

  it('cannot be read after the form was left', async () => {
    const parts = read(big, { chunkBytes: 1000 })
    const { body } = await nextFile(parts)
    await parts.return(undefined)
    await expect(bytesOf(body)).rejects.toMatchObject({ code: 'malformed-form' })
  })
})

describe('a failing request', () => {
  const broken = new Error('connection reset')
  const failing = (after: number) => {
    let pulls = 0
    return new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          pulls += 1
          if (pulls > after) controller.error(broken)
          else controller.enqueue(big.subarray((pulls - 1) * 1000, pulls * 1000))
        },
      },
      { highWaterMark: 0 },
    )
  }
  const request = (after: number) => ({ ...source(big), stream: failing(after) })

  it('throws its own error, wherever the reading stands', async () => {
    await expect(read(request(0)).next()).rejects.toBe(broken)
    const parts = read(request(3))
    const { body } = await nextFile(parts)
    await expect(bytesOf(body)).rejects.toBe(broken)
    await expect(parts.next()).rejects.toBe(broken)
  })

  it('throws it while a file is skipped, too', async () => {
    const parts = read(request(3))
    await nextFile(parts)
    await expect(parts.next()).rejects.toBe(broken)
    await expect(parts.next()).resolves.toMatchObject({ done: true })
  })
})

describe('aborting', () => {
  const reason = new Error('the client went away')

  it('before the start reads nothing', async () => {
    const request = source(big)
    await expect(read(request, { signal: AbortSignal.abort(reason) }).next()).rejects.toBe(reason)
    expect(request.pulls()).toBe(0)
    expect(request.stream.locked).toBe(false)
  })

  it('ends a read that waits, and cancels the request', async () => {
    let cancelledWith: unknown
    const stream = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(big.subarray(0, 1000)),
      cancel(why) {
        cancelledWith = why
        throw new Error('sources may fail to cancel')
      },
    })
    const controller = new AbortController()
    const parts = read({ ...source(big), stream }, { signal: controller.signal })
    const { body } = await nextFile(parts)
    const reading = bytesOf(body)
    await sleep(5)
    controller.abort(reason)
    await expect(reading).rejects.toBe(reason)
    await expect(parts.next()).rejects.toBe(reason)
    expect(cancelledWith).toBe(reason)
    expect(stream.locked).toBe(false)
  })

  it('between two parts of one chunk is noticed at the next', async () => {
    const controller = new AbortController()
    const parts = read(big, { signal: controller.signal })
    await nextFile(parts)
    controller.abort(reason)
    await expect(parts.next()).rejects.toBe(reason)
  })

  it('leaves no listener behind, however the form ends', async () => {
    const controller = new AbortController()
    const { signal } = controller
    for await (const _ of read(big, { signal }));
    for await (const _ of read(big, { signal })) break
    await expect(bytesOf((await nextFile(read(big.subarray(0, 9000), { signal }))).body)).rejects.toThrow()
    await expect(Array.fromAsync(read(big.subarray(0, 9000), { signal }))).rejects.toThrow()
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })
})
