import { setTimeout as pause } from 'node:timers/promises'
import { expect } from 'vitest'
import { type Cell, cellsFor, everyWork } from './cell.ts'
import { eventually } from './eventually.ts'
import { ask } from './http-client.ts'
import { put, type Work } from './operations.ts'
import { prefix, type Rig } from './rig.ts'

const MiB = 2 ** 20
const twoHoursMs = 2 * 60 * 60_000

/** How long until no request to the store is under way. */
async function quietAfterMs({ proxy }: Rig): Promise<number> {
  const startedAtMs = performance.now()
  expect(
    await eventually(
      () => proxy.connections().busy,
      (busy) => busy === 0,
      5_000,
    ),
  ).toBe(0)
  return performance.now() - startedAtMs
}

const slowly = (rig: Rig, { target }: Work, direction: 'up' | 'down') =>
  void rig.proxy.add({ direction, operation: target, which: 'every' }, { toxic: 'bandwidth', bytesPerSecond: 5_000 })

export const clientRows: readonly Cell[] = [
  {
    row: 28,
    fault: '5 KB/s on the way up',
    operation: 'put',
    expected: 'unavailable',
    spoil: (rig, work) => slowly(rig, work, 'up'),
  },
  {
    row: 28,
    fault: '5 KB/s on the way down',
    operation: 'get',
    // It is below the floor of 8 KiB/s: asked for anew, and then given up.
    expected: 'broken',
    spoil: (rig, work) => slowly(rig, work, 'down'),
  },
  ...cellsFor(everyWork, {
    row: 29,
    fault: 'small pieces, late, and slow to close',
    expected: 'done',
    spoil(rig, { target }) {
      for (const direction of ['up', 'down'] as const) {
        const aim = { direction, operation: target, which: 'every' } as const
        // Byte by byte would take minutes for megabytes; so small that headers and chunks are cut everywhere.
        rig.proxy.add(aim, { toxic: 'slicer', pieceBytes: target === 'UploadPart' ? 100_000 : 997, delayMs: 0 })
        rig.proxy.add(aim, { toxic: 'latency', delayMs: 20, jitterMs: 30 })
        rig.proxy.add(aim, { toxic: 'slow-close', delayMs: 20 })
      }
    },
  }),
  {
    row: 30,
    fault: 'the client resets in the middle of its upload',
    operation: 'put',
    expected: 'done',
    spoil: () => {},
    requestsMax: 2,
    async also(rig) {
      const sent = await ask(`${rig.origin}/v1/objects/files/left.bin`, {
        method: 'PUT',
        headers: { 'content-length': `${20 * MiB}` },
        made: (request) => {
          request.write(rig.random.bytes(9 * MiB))
          setTimeout(() => request.destroy(), 150)
        },
      })
      expect(sent.ending).toBe('no-answer')
      expect(await quietAfterMs(rig)).toBeLessThan(3_000)
      expect(
        await eventually(
          () => rig.fake.openUploads(),
          (open) => open.length === 0,
          5_000,
        ),
      ).toEqual([])
      expect(rig.fake.object(`${prefix}/files/left.bin`)).toBeUndefined()
    },
  },
  {
    row: 31,
    fault: 'twenty clients that hardly read',
    operation: 'get',
    expected: 'done',
    spoil: () => {},
    requestsMax: 99,
    async also(rig) {
      const body = rig.random.bytes(8 * MiB)
      expect((await put(rig, 'files/slow.bin', body)).status).toBe(201)
      const sentBytes = () => rig.proxy.connections().busy
      const gone = new AbortController()
      const readers = Array.from({ length: 20 }, () =>
        ask(`${rig.origin}/v1/objects/files/slow.bin`, {
          made: (request) => gone.signal.addEventListener('abort', () => request.destroy()),
          onPiece: () => pause(100, undefined, { signal: gone.signal }).catch(() => {}),
        }),
      )
      await pause(700)
      // Nobody has it whole: the store is read no faster than the clients read.
      expect(sentBytes()).toBeGreaterThan(0)
      gone.abort()
      await Promise.all(readers)
      expect(await quietAfterMs(rig)).toBeLessThan(2_000)
    },
  },
  {
    row: 32,
    fault: 'the client vanishes in the middle of a zip',
    operation: 'zip',
    expected: 'done',
    spoil: () => {},
    requestsMax: 99,
    async also(rig) {
      for (let i = 0; i < 12; i++) await put(rig, `files/many/${i}`, rig.random.bytes(2 * MiB))
      const made = await ask(`${rig.origin}/v1/exports`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ include: [{ prefix: 'files/many/' }] }),
      })
      const { url } = JSON.parse(made.body.toString()) as { url: string }
      const left = await ask(url, {
        made: (request) => request.once('response', (response) => response.once('data', () => request.destroy())),
      })
      expect(left.ending).not.toBe('clean')
      expect(await quietAfterMs(rig)).toBeLessThan(1_000)
    },
  },
  ...[-twoHoursMs, twoHoursMs].flatMap((clockOffMs) =>
    cellsFor(everyWork, {
      row: 35,
      fault: `the store's clock is two hours ${clockOffMs > 0 ? 'ahead' : 'behind'}`,
      expected: 'done',
      clockOffMs,
      spoil: () => {},
      requestsMax: 40,
    }),
  ),
  ...cellsFor(['get', 'zip', 'list', 'state'], {
    row: 36,
    fault: 'dates in UTC and XML without a namespace',
    expected: 'done',
    quirks: { lastModifiedZone: 'UTC', xmlNamespace: false },
    spoil: () => {},
  }),
  ...cellsFor(['get', 'zip', 'state'], {
    row: 36,
    fault: 'answers without a length',
    expected: 'done',
    spoil: (rig) =>
      void rig.fake.inject('GetObject', 'every', { body: { cutAt: { share: 1 }, how: 'close', lengthless: true } }),
  }),
  ...cellsFor(['put', 'get', 'list', 'state'], {
    row: 37,
    fault: 'a circuit that has opened, and a store that is back',
    expected: 'done',
    requestsMax: 200,
    async spoil(rig, work) {
      const heal = rig.fake.inject('any', 'every', { when: 'before-commit', answer: { status: 500 } })
      const ways = {
        PutObject: () => put(rig, 'files/other.bin', rig.random.bytes(10)),
        GetObject: () => ask(`${rig.origin}/v1/objects/files/subject.bin`),
        ListObjectsV2: () => ask(`${rig.origin}/v1/objects?prefix=files/list/`),
      }
      const way = ways[work.target as 'PutObject']
      for (let i = 0; i < 30; i++) await way()
      const circuits = Object.values(rig.health().objects).map((one) => (typeof one === 'object' ? one.circuit : ''))
      expect(circuits, 'a circuit that opened').toContain('open')
      heal()
      await pause(500)
    },
  }),
]
