import { expect } from 'vitest'
import type { Cell } from './cell.ts'
import { eventually } from './eventually.ts'
import { ask, askJson } from './http-client.ts'
import { sendAndLeave } from './leave.ts'
import { demandOk, objectUrl, put, type Work, works } from './operations.ts'
import { prefix, type Rig } from './rig.ts'
import { runRows } from './run-rows.ts'

// Rows 30 to 32: clients that leave, or hardly read.

const MiB = 2 ** 20

/** A hang is told from slowness: how soon it is `npm run test:faults` prints. */
async function demandQuietWithin({ proxy }: Rig, ms: number): Promise<void> {
  const isQuiet = (busy: number) => busy === 0
  expect(await eventually(() => proxy.connections().busy, isQuiet, ms), 'requests that go on').toBe(0)
}

const partBytes = 8 * MiB

/** Puts an object over another one, and leaves at a random byte. */
function leaving(sizeBytes: number, how: 'reset' | 'close'): Work {
  return {
    target: sizeBytes > partBytes ? 'UploadPart' : 'PutObject',
    requests: 2,
    async prepare(rig) {
      const key = 'files/left.bin'
      const [before, sent] = [rig.random.bytes(5_000), rig.random.bytes(sizeBytes)]
      await demandOk(await put(rig, key, before))
      // So that of many parts some are under way, and would take long.
      const leastBytes = sizeBytes > partBytes ? partBytes + 1 : 1
      const beginning = sent.subarray(0, rig.random.integer(leastBytes, sizeBytes - 1))
      const aim = { direction: 'up', operation: 'UploadPart', which: 'every' } as const
      rig.proxy.add(aim, { toxic: 'bandwidth', bytesPerSecond: MiB })
      return async () => {
        const answer = await sendAndLeave(objectUrl(rig, key), { announcedBytes: sizeBytes, beginning, how })
        await demandQuietWithin(rig, 3_000)
        return { answer, written: [{ key: `${prefix}/${key}`, before, sent }] }
      }
    },
  }
}

const readers = 20
const slowBytes = 32 * MiB

/** One client reads all, while others take the first bytes and no more. */
const amongSlowReaders: Work = {
  target: 'GetObject',
  requests: 1 + readers,
  async prepare(rig) {
    const expected = rig.random.bytes(slowBytes)
    await demandOk(await put(rig, 'files/slow.bin', expected))
    return async () => {
      const url = objectUrl(rig, 'files/slow.bin')
      const gone = new AbortController()
      const never = new Promise<void>((resolve) => gone.signal.addEventListener('abort', () => resolve()))
      const slow = Array.from({ length: readers }, () =>
        ask(url, {
          made: (request) => gone.signal.addEventListener('abort', () => request.destroy()),
          onPiece: () => never,
        }),
      )
      await demandPaused(rig)
      const answer = await ask(url)
      gone.abort()
      for (const { ending } of await Promise.all(slow)) expect(ending).not.toBe('clean')
      return { answer, written: [], expected }
    }
  },
}

/** All have begun, and nothing moves any more: the store is read no faster than clients read, beside what buffers take. */
async function demandPaused({ proxy }: Rig): Promise<void> {
  const reads = () => proxy.exchanges.filter(({ operation }) => operation === 'GetObject')
  let [lastBytes, sameLooks] = [-1, 0]
  const looks = await eventually(
    () => {
      const bytes = reads().reduce((sum, { downBytes }) => sum + downBytes, 0)
      sameLooks = reads().length >= readers && bytes === lastBytes ? sameLooks + 1 : 0
      lastBytes = bytes
      return sameLooks
    },
    (same) => same >= 30,
    10_000,
  )
  expect(looks, 'reads that stand still').toBeGreaterThanOrEqual(30)
  for (const { downBytes } of reads()) expect(downBytes, 'read of the store').toBeLessThan(slowBytes)
}

/** Fetches an archive, and leaves in its middle. */
const leavingZip: Work = {
  ...works.zip,
  requests: 12,
  async prepare(rig) {
    for (let i = 0; i < 12; i++) await demandOk(await put(rig, `files/many/${i}`, rig.random.bytes(2 * MiB)))
    const made = await askJson(`${rig.origin}/v1/exports`, 'POST', { include: [{ prefix: 'files/many/' }] })
    const leaveAtBytes = rig.random.integer(1, 4 * MiB)
    // What is under way then would take long.
    const aim = { direction: 'down', operation: 'GetObject', which: (nth: number) => nth > 6 } as const
    rig.proxy.add(aim, { toxic: 'bandwidth', bytesPerSecond: 200_000 })
    return async () => {
      const answer = await ask(`${made.json.url}`, {
        made: (request) =>
          request.once('response', (response) => {
            let seenBytes = 0
            response.on('data', (piece: Buffer) => {
              seenBytes += piece.byteLength
              if (seenBytes >= leaveAtBytes) request.destroy()
            })
          }),
      })
      await demandQuietWithin(rig, 3_000)
      return { answer, written: [] }
    }
  },
}

const cells: readonly Cell[] = [
  ...(['reset', 'close'] as const).flatMap((how) =>
    (
      [
        ['put', 20_000],
        ['parts', 25 * MiB],
      ] as const
    ).map(
      ([operation, sizeBytes]): Cell => ({
        row: 30,
        fault: how === 'reset' ? 'the client resets its upload' : 'the client closes in the middle of its upload',
        operation,
        work: leaving(sizeBytes, how),
        // Who closed his side alone may still be told.
        expected: ['left', 400],
        spoil: () => {},
        requestsMax: 4,
        async also({ fake }, { written }) {
          const isNone = (open: readonly unknown[]) => open.length === 0
          expect(await eventually(() => fake.openUploads(), isNone, 5_000), 'parts that were freed').toEqual([])
          // What did not come whole is not stored.
          for (const { key, before } of written) expect(fake.object(key)?.body).toEqual(Buffer.from(before ?? []))
        },
      }),
    ),
  ),
  {
    row: 31,
    fault: 'twenty clients that hardly read',
    operation: 'get',
    work: amongSlowReaders,
    expected: 'done',
    spoil: () => {},
  },
  {
    row: 32,
    fault: 'the client vanishes in the middle of a zip',
    operation: 'zip',
    work: leavingZip,
    expected: 'left',
    spoil: () => {},
    requestsMax: 13,
  },
]

runRows(cells)
