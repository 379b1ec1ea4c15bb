// What the guard around a store costs a call: each case is measured bare and guarded in turn, in one run, so that only the
// ratio and the difference count. Prints a Markdown table. Profile it with `node --cpu-prof bench/resilience.ts`.
import { createMemoryObjectStore } from '../src/adapters/memory/object-store.ts'
import { createDigests } from '../src/adapters/node-crypto/digests.ts'
import { withResilience } from '../src/adapters/resilience/object-store.ts'
import { createS3ObjectStore } from '../src/adapters/s3/object-store.ts'
import { createSystemClock } from '../src/adapters/system/clock.ts'
import { createIds } from '../src/adapters/web-crypto/ids.ts'
import { parseObjectKey } from '../src/ports/object-key.ts'
import type { ObjectStore } from '../src/ports/object-store.ts'
import { startS3rver } from '../test/servers/s3rver.ts'

/** The guard may cost this much of a call that takes a millisecond. */
const targetShare = 0.05
const bodyBytes = 1024
const keys = Array.from({ length: 64 }, (_, i) => parseObjectKey(`bench/${i}`))
const body = new Uint8Array(bodyBytes).fill(7)
const digests = createDigests()
const running = digests.start()
running.update(body)
/** With its checksum, so that reading it includes checking it. */
const facts = { contentType: 'text/plain', when: 'always', checksums: running.read() } as const
const { signal } = new AbortController()

type Call = (store: ObjectStore, nth: number) => Promise<unknown>

const keyOf = (nth: number) => keys[nth % keys.length] ?? parseObjectKey('bench/0')

const calls: Readonly<Record<string, Call>> = {
  head: (store, nth) => store.head(keyOf(nth), { signal }),
  async get(store, nth) {
    const found = await store.get(keyOf(nth), { signal })
    let sizeBytes = 0
    for await (const piece of found?.body ?? []) sizeBytes += piece.byteLength
    if (sizeBytes !== bodyBytes) throw new Error(`read ${sizeBytes} bytes`)
  },
  put: (store, nth) => store.put(keyOf(nth), body, { signal, ...facts }),
}

/** Of one call, in µs. The server's process is another, so that only our own work is in `cpuUs`. */
interface Cost {
  readonly wallUs: number
  readonly cpuUs: number
}

/** The cost of a call, from so many calls with `atOnce` in flight. */
async function costOf(call: Call, store: ObjectStore, count: number, atOnce: number): Promise<Cost> {
  let started = 0
  const caller = async () => {
    while (started < count) await call(store, started++)
  }
  const startedAtMs = performance.now()
  const cpuAtStart = process.cpuUsage()
  await Promise.all(Array.from({ length: atOnce }, caller))
  const { user, system } = process.cpuUsage(cpuAtStart)
  return { wallUs: ((performance.now() - startedAtMs) * 1000) / count, cpuUs: (user + system) / count }
}

/** `rounds` pairs, after some to warm up; every second pair begins with the guarded store. */
async function comparePairs(
  call: Call,
  { bare, guarded }: { bare: ObjectStore; guarded: ObjectStore },
  { rounds, callsEach, atOnce }: { rounds: number; callsEach: number; atOnce: number },
): Promise<{ bare: Cost; guarded: Cost }[]> {
  const pairs: { bare: Cost; guarded: Cost }[] = []
  const warmUp = Math.ceil(rounds / 5)
  for (let round = 0; round < warmUp + rounds; round++) {
    const bareFirst = round % 2 === 0
    const first = await costOf(call, bareFirst ? bare : guarded, callsEach, atOnce)
    const second = await costOf(call, bareFirst ? guarded : bare, callsEach, atOnce)
    if (round >= warmUp) pairs.push(bareFirst ? { bare: first, guarded: second } : { bare: second, guarded: first })
  }
  return pairs
}

/** The value below which this share of them lies. */
function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN
}

const median = (values: readonly number[]) => quantile(values, 0.5)

/** Median and quartiles: where they are far apart, the machine or the server has moods, and the median is worth less. */
const spread = (values: readonly number[]) =>
  `${median(values).toFixed(1)} (${quantile(values, 0.25).toFixed(0)} … ${quantile(values, 0.75).toFixed(0)})`

const quiet = () => {}
const log = { debug: quiet, info: quiet, warn: quiet, error: quiet }
const ids = createIds()
const guard = (store: ObjectStore) => withResilience(store, { clock: createSystemClock(), ids, digests, log }).store

const s3rver = await startS3rver()
const stores = [
  {
    name: 'memory',
    bare: createMemoryObjectStore({ nowMs: Date.now }),
    // A call is too short to be timed alone.
    amount: (atOnce: number) => ({ rounds: 200, callsEach: 160, atOnce }),
  },
  {
    name: 's3rver',
    bare: createS3ObjectStore({ client: s3rver.client, bucket: s3rver.bucket, prefix: 'bench', ids }),
    amount: (atOnce: number) => ({ rounds: Math.ceil(2400 / atOnce), callsEach: atOnce, atOnce }),
  },
]

try {
  console.log(
    '| store | call | in flight | bare, µs | guarded, µs | ratio | guard, µs | guard, CPU µs | of a 1 ms call |',
  )
  console.log('|---|---|---:|---:|---:|---:|---:|---:|---:|')
  for (const { name, bare, amount } of stores) {
    const pair = { bare, guarded: guard(bare) }
    for (const key of keys) await bare.put(key, body, { signal, ...facts })
    for (const atOnce of [1, 16]) {
      for (const [called, call] of Object.entries(calls)) {
        const pairs = await comparePairs(call, pair, amount(atOnce))
        const bareUs = median(pairs.map((each) => each.bare.wallUs))
        const guardedUs = median(pairs.map((each) => each.guarded.wallUs))
        // By pairs, one after the other: what changes slowly falls out.
        const wallUs = pairs.map((each) => each.guarded.wallUs - each.bare.wallUs)
        const cpuUs = pairs.map((each) => each.guarded.cpuUs - each.bare.cpuUs)
        const share = median(cpuUs) / 1000
        const cells = [
          ...[name, called, atOnce, bareUs.toFixed(1), guardedUs.toFixed(1), (guardedUs / bareUs).toFixed(2)],
          ...[spread(wallUs), spread(cpuUs), `${(100 * share).toFixed(1)} %${share < targetShare ? '' : ', over'}`],
        ]
        console.log(`| ${cells.join(' | ')} |`)
      }
    }
  }
} finally {
  await s3rver.stop()
}
console.log(`
Medians (and quartiles), node ${process.version}. The share is of CPU time: wall time has the moods of the server, too.
Target: under ${100 * targetShare} %.`)
