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

interface Measured {
  readonly bareUs: number
  readonly guardedUs: number
  /** Of the pairs, one after the other: what changes slowly on the machine falls out of it. */
  readonly differenceUs: number
}

/** Wall time a call, in µs, of so many calls with `atOnce` in flight. */
async function timeCalls(call: Call, store: ObjectStore, count: number, atOnce: number): Promise<number> {
  let started = 0
  const caller = async () => {
    while (started < count) await call(store, started++)
  }
  const startedAtMs = performance.now()
  await Promise.all(Array.from({ length: atOnce }, caller))
  return ((performance.now() - startedAtMs) * 1000) / count
}

async function compare(
  call: Call,
  { bare, guarded }: { bare: ObjectStore; guarded: ObjectStore },
  { rounds, callsEach, atOnce }: { rounds: number; callsEach: number; atOnce: number },
): Promise<Measured> {
  const pairs: [bareUs: number, guardedUs: number][] = []
  const warmUp = Math.ceil(rounds / 5)
  for (let round = 0; round < warmUp + rounds; round++) {
    const bareFirst = round % 2 === 0
    const first = await timeCalls(call, bareFirst ? bare : guarded, callsEach, atOnce)
    const second = await timeCalls(call, bareFirst ? guarded : bare, callsEach, atOnce)
    if (round >= warmUp) pairs.push(bareFirst ? [first, second] : [second, first])
  }
  return {
    bareUs: median(pairs.map(([bareUs]) => bareUs)),
    guardedUs: median(pairs.map(([, guardedUs]) => guardedUs)),
    differenceUs: median(pairs.map(([bareUs, guardedUs]) => guardedUs - bareUs)),
  }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

const quiet = () => {}
const log = { debug: quiet, info: quiet, warn: quiet, error: quiet }
const ids = createIds()
const guard = (store: ObjectStore) => withResilience(store, { clock: createSystemClock(), ids, digests, log }).store

const s3rver = await startS3rver()
const stores = [
  { name: 'memory', bare: createMemoryObjectStore({ nowMs: Date.now }), rounds: 200, callsEach: 160 },
  {
    name: 's3rver',
    bare: createS3ObjectStore({ client: s3rver.client, bucket: s3rver.bucket, prefix: 'bench', ids }),
    rounds: 100,
    callsEach: 32,
  },
]

try {
  console.log('| store | call | in flight | bare, µs | guarded, µs | ratio | the guard, µs | of a 1 ms call |')
  console.log('|---|---|---:|---:|---:|---:|---:|---:|')
  for (const { name, bare, ...amount } of stores) {
    const pair = { bare, guarded: guard(bare) }
    for (const key of keys) await bare.put(key, body, { signal, ...facts })
    for (const atOnce of [1, 16]) {
      for (const [called, call] of Object.entries(calls)) {
        const { bareUs, guardedUs, differenceUs } = await compare(call, pair, { ...amount, atOnce })
        const share = differenceUs / 1000
        const cells = [
          ...[name, called, `${atOnce}`, bareUs.toFixed(1), guardedUs.toFixed(1), (guardedUs / bareUs).toFixed(2)],
          ...[differenceUs.toFixed(1), `${(100 * share).toFixed(1)} %${share < targetShare ? '' : ' (over)'}`],
        ]
        console.log(`| ${cells.join(' | ')} |`)
      }
    }
  }
} finally {
  await s3rver.stop()
}
console.log(`\nMedians; node ${process.version}. Target: under ${100 * targetShare} % of a 1 ms call.`)
