// Three instances on one store, with workers, users, readers and followers, and what they were told is checked:
//   npm run test:load -- --store folder|s3rver|r2|ceph [--seconds 20] [--seed 1] [--workers 24] [--kill] [--history FILE]
// Prints how often and how fast each operation was, and every violation. Ends with 1 when there is any.
import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { type Call, finalReader, jsonLines } from '../test/load/history.ts'
import { runLoad } from '../test/load/run-load.ts'
import { openStore, storeNames } from '../test/load/stores.ts'

const usage = `npm run test:load -- --store ${storeNames.join('|')} [--seconds 20] [--seed 1] [--workers 24] [--kill] [--history FILE] [--log]\n`
const { values } = parseArgs({
  options: {
    store: { type: 'string', default: 'folder' },
    seconds: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
    workers: { type: 'string', default: '24' },
    kill: { type: 'boolean', default: false },
    history: { type: 'string' },
    log: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
})
if (values.help) {
  process.stdout.write(usage)
  process.exit(0)
}
const name = storeNames.find((one) => one === values.store)
if (name === undefined) throw new Error(`--store takes one of ${storeNames.join(', ')}`)
const [seconds, seed, workers] = [values.seconds, values.seed, values.workers].map(Number) as [number, number, number]
const shownMax = 50

const percentile = (sorted: readonly number[], share: number): string =>
  (sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0).toFixed(0)

function printTable(calls: readonly Call[], busyMs: number): void {
  const busy = calls.filter(({ client }) => !client.startsWith(finalReader))
  console.log(
    '| call | calls | a second | done | refused | unknown | p50, ms | p99, ms |\n|---|---:|---:|---:|---:|---:|---:|---:|',
  )
  const row = (verb: string, own: readonly Call[]) => {
    const times = own.map(({ invokedMs, returnedMs }) => returnedMs - invokedMs).toSorted((a, b) => a - b)
    const count = (...results: Call['result'][]) => own.filter(({ result }) => results.includes(result)).length
    const outcomes = [count('applied', 'duplicate', 'read'), count('rejected', 'absent'), count('unknown')]
    // How long a follower listened says nothing of the service.
    const shown = verb === 'follow' || verb === 'all' ? ['', ''] : [percentile(times, 0.5), percentile(times, 0.99)]
    console.log(
      `| ${[verb, own.length, (own.length / (busyMs / 1000)).toFixed(1), ...outcomes, ...shown].join(' | ')} |`,
    )
  }
  for (const [verb, own] of [...Map.groupBy(busy, ({ verb }) => verb)].toSorted()) row(verb, own)
  row('all', busy)
}

const interrupted = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort(new Error(signal)))

const store = await openStore(name)
if ('unavailable' in store) console.log(`test:load skipped: ${store.unavailable}`)
else {
  try {
    const kills = values.kill && 'env' in store.reach
    if (values.kill && !kills) console.log('no kills: workerd is the store, too')
    const loaded = await runLoad(store, { seed, seconds, workers, kills, signal: interrupted.signal })
    if (values.history !== undefined) await writeFile(values.history, jsonLines(loaded.calls))
    if (values.log) process.stderr.write(loaded.output)
    printTable(loaded.calls, loaded.busyMs)
    const { violations } = loaded
    console.log(`\n${name}, ${seconds} s, seed ${seed}: ${loaded.kills} kills, ${violations.length} violations`)
    for (const { invariant, id, detail } of violations.slice(0, shownMax))
      console.log(`  ${invariant} ${id}: ${detail}`)
    if (violations.length > 0) process.exitCode = 1
  } finally {
    await store.stop()
  }
}
