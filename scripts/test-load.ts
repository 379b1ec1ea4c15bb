// Three instances on one store, with workers, users and readers, and what must hold of all that they were told:
//   npm run test:load -- --store folder|s3rver|r2|ceph [--seconds 20] [--seed 1] [--workers 24] [--kill] [--history FILE]
// Prints what was done and how long it took. Ends with 1 when something does not hold.
import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { type Call, jsonLines } from '../test/load/history.ts'
import { storeNames } from '../test/load/instances.ts'
import { runLoad } from '../test/load/run-load.ts'

const usage = `npm run test:load -- --store ${storeNames.join('|')} [--seconds 20] [--seed 1] [--workers 24] [--kill] [--history FILE]\n`
const { values } = parseArgs({
  options: {
    store: { type: 'string', default: 'folder' },
    seconds: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
    workers: { type: 'string', default: '24' },
    kill: { type: 'boolean', default: false },
    history: { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false },
  },
})
const store = storeNames.find((name) => name === values.store)
if (values.help || store === undefined) {
  process.stdout.write(usage)
  process.exit(values.help ? 0 : 2)
}

const percentile = (sorted: readonly number[], share: number) => sorted[Math.floor((sorted.length - 1) * share)] ?? 0

function figures(kind: string, calls: readonly Call[], seconds: number): string {
  const tookMs = calls.map(({ invokedMs, returnedMs }) => returnedMs - invokedMs).sort((a, b) => a - b)
  const count = (outcome: Call['outcome']) => calls.filter((call) => call.outcome === outcome).length
  const outcomes = `${count('done')} done, ${count('refused')} refused, ${count('unknown')} unknown`
  const times = `median ${percentile(tookMs, 0.5).toFixed(0)} ms, 99 % ${percentile(tookMs, 0.99).toFixed(0)} ms`
  return `  ${kind.padEnd(7)} ${(calls.length / seconds).toFixed(1).padStart(7)}/s   ${outcomes}; ${times}`
}

const seconds = Number(values.seconds)
const { kill } = values
const run = await runLoad({ store, seconds, seed: Number(values.seed), workers: Number(values.workers), kill })
if ('unavailable' in run) {
  console.log(`test:load skipped: ${run.unavailable}`)
  process.exit(0)
}
const { sync, calls, processes, kills, violations } = run
if (values.history !== undefined) await writeFile(values.history, jsonLines(calls))
console.log(
  `${store} (${sync}), ${seconds} s, seed ${values.seed}: ${processes} processes, ${calls.length} calls, ${kills} kills`,
)
for (const kind of new Set(calls.map((call) => call.kind))) {
  console.log(
    figures(
      kind,
      calls.filter((call) => call.kind === kind),
      seconds,
    ),
  )
}
for (const { rule, id, detail } of violations.slice(0, 20)) console.log(`VIOLATED ${rule}: ${id}: ${detail}`)
console.log(`${violations.length} violations`)
process.exitCode = violations.length === 0 ? 0 : 1
