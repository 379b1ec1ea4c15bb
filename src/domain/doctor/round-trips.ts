import type { Clock } from '../../ports/clock.ts'
import type { CallOptions } from '../../ports/object-store.ts'
import type { StoreFinding } from '../../ports/store-finding.ts'
import { broken, works } from './finding.ts'
import { putPlain, type TrialFolder } from './trial-folder.ts'

const headsTimed = 15
const putsTimed = 7

/** `GET /readyz` gives a store up that needs longer for one small call. */
const unusableMs = 5_000
const slowMs = 500

export interface RoundTrips {
  readonly headsMs: readonly number[]
  readonly putsMs: readonly number[]
}

export function roundTripsFinding({ headsMs, putsMs }: RoundTrips): StoreFinding {
  const check = 'round trips'
  const detail = `HEAD ${shown(headsMs)}; PUT of 1 KiB ${shown(putsMs)} (median, worst)`
  const typicalMs = median(headsMs)
  if (typicalMs >= unusableMs) {
    return broken(check, detail, `put the service nearer to the store: above ${unusableMs / 1000} s it is never ready`)
  }
  return works(
    check,
    detail,
    typicalMs >= slowMs ? 'put the service nearer to the store: an upload of many small files will be slow' : undefined,
  )
}

const shown = (durationsMs: readonly number[]) =>
  `${inWords(median(durationsMs))}, ${inWords(Math.max(...durationsMs))}`

export function inWords(durationMs: number): string {
  if (durationMs < 1) return '< 1 ms'
  return durationMs < 10_000 ? `${Math.round(durationMs)} ms` : `${Math.round(durationMs / 1000)} s`
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? 0
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2
}

/** One call after the other: 15 HEADs and 7 PUTs of 1 KiB. */
export async function examineRoundTrips(
  { store, key }: TrialFolder,
  { signal, clock }: CallOptions & { clock: Pick<Clock, 'nowMs'> },
): Promise<StoreFinding[]> {
  const subject = key('timed')
  const kibibyte = 'x'.repeat(1024)
  const timed = async (times: number, call: () => Promise<unknown>) => {
    const durationsMs: number[] = []
    for (let i = 0; i < times; i++) {
      const startedAtMs = clock.nowMs()
      await call()
      durationsMs.push(clock.nowMs() - startedAtMs)
    }
    return durationsMs
  }
  // A key of its own for each: some stores slow writers of one key down.
  let puts = 0
  const putsMs = await timed(putsTimed, () => putPlain(store, key(`timed-${puts++}`), kibibyte, { signal }))
  await putPlain(store, subject, kibibyte, { signal })
  const headsMs = await timed(headsTimed, () => store.head(subject, { signal }))
  return [roundTripsFinding({ headsMs, putsMs })]
}
