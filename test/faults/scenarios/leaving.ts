import { setTimeout as pause } from 'node:timers/promises'
import { eventually } from '../matrix/eventually.ts'
import { ask } from '../matrix/http-client.ts'
import { startRig } from '../matrix/rig.ts'

export interface LeavingFigures {
  readonly clients: number
  /** From the client's end until no request to the store is under way. */
  readonly medianMs: number
  readonly worstMs: number
  /** Requests to the store that went on for seconds: there must be none. */
  readonly leftOver: number
}

const objectBytes = 16 * 2 ** 20
const givenUpMs = 5_000

/** One client after the other leaves in the middle of a download. */
export async function runLeaving({
  clients,
  seed,
}: {
  readonly clients: number
  readonly seed: number
}): Promise<LeavingFigures> {
  const rig = await startRig({ profile: 'aws', seed })
  try {
    const url = `${rig.origin}/v1/objects/files/left.bin`
    await ask(url, { method: 'PUT', body: rig.random.bytes(objectBytes) })
    // So slow that it is under way for long.
    rig.proxy.add(
      { direction: 'down', operation: 'GetObject', which: 'every' },
      { toxic: 'bandwidth', bytesPerSecond: 2 ** 20 },
    )
    const tookMs: number[] = []
    for (let client = 0; client < clients; client++) {
      let leftAtMs = 0
      await ask(url, {
        made: (request) =>
          request.once('response', (response) =>
            response.once('data', () => {
              leftAtMs = performance.now()
              request.destroy()
            }),
          ),
      })
      const busy = await eventually(
        () => rig.proxy.connections().busy,
        (left) => left === 0,
        givenUpMs,
      )
      tookMs.push(busy === 0 ? performance.now() - leftAtMs : Number.POSITIVE_INFINITY)
      await pause(10)
    }
    const sorted = tookMs.toSorted((a, b) => a - b)
    return {
      clients,
      medianMs: sorted[Math.floor(sorted.length / 2)] ?? Number.NaN,
      worstMs: sorted.at(-1) ?? Number.NaN,
      leftOver: sorted.filter((ms) => ms > givenUpMs).length,
    }
  } finally {
    await rig.stop()
  }
}
