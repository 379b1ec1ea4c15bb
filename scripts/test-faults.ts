// The fault matrix and its scenarios, as often and as long as wanted:
//   npm run test:faults -- --runs 20 --seed 1 [--cell '7 get'] [--outage-seconds 60] [--cuts 1000] [--slow-readers 200]
// Prints a table of faults and operations (runs, failures, worst time), and the figures of the scenarios. Ends with 1 when
// anything failed; what failed is named with the call that runs it alone.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { defaultSettings } from '../src/adapters/resilience/settings.ts'
import { survivePausedBodyEnds } from '../src/app/node/paused-body-end.ts'
import { type ProfileName, profiles } from '../test/faults/fake-s3/profiles.ts'
import { runBrownout } from '../test/faults/scenarios/brownout.ts'
import { runCuts } from '../test/faults/scenarios/cuts.ts'
import { runLeaving } from '../test/faults/scenarios/leaving.ts'
import { runJobOn } from '../test/faults/scenarios/main-job.ts'
import { runOutage } from '../test/faults/scenarios/outage.ts'
import { runSlowReaders } from '../test/faults/scenarios/slow-readers.ts'

const usage = `npm run test:faults -- [--runs 2] [--seed 1] [--cell '7 get'] [--outage-seconds 60] [--cuts 1000] [--slow-readers 200]

Runs the fault matrix so many times, each time with the next seed, and then the scenarios; --cell runs one cell alone.
`
// The service runs in this very process.
survivePausedBodyEnds(() => {})
const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '2' },
    seed: { type: 'string', default: '1' },
    cell: { type: 'string' },
    'outage-seconds': { type: 'string', default: '60' },
    cuts: { type: 'string', default: '1000' },
    'slow-readers': { type: 'string', default: '200' },
    help: { type: 'boolean', short: 'h', default: false },
  },
})
if (values.help) {
  process.stdout.write(usage)
  process.exit(0)
}
const wholeNumber = (name: 'runs' | 'seed' | 'outage-seconds' | 'cuts' | 'slow-readers') => {
  const number = Number(values[name])
  if (!Number.isInteger(number) || number < 0) throw new Error(`--${name} takes a whole number`)
  return number
}
const [runs, seed] = [wholeNumber('runs'), wholeNumber('seed')]
const root = join(import.meta.dirname, '..')

interface Assertion {
  readonly ancestorTitles: readonly string[]
  readonly title: string
  readonly status: string
  readonly duration?: number
  readonly failureMessages?: readonly string[]
}

interface Ran {
  readonly results: readonly Assertion[]
  /** What failed beside the tests: a file that does not load, an error that nobody caught. */
  readonly failedBeside: boolean
}

/** Runs the matrix in processes of its own, as many as there are cores, and returns what became of each cell. */
async function runMatrix(): Promise<Ran> {
  const folder = await mkdtemp(join(tmpdir(), 'fault-matrix-'))
  const report = join(folder, 'report.json')
  try {
    const vitest = spawn(
      process.execPath,
      [
        join(root, 'node_modules/vitest/vitest.mjs'),
        ...['run', '--project', 'node', 'test/faults/matrix', `--maxWorkers=${availableParallelism()}`],
        ...['--reporter=json', `--outputFile=${report}`],
      ],
      {
        cwd: root,
        stdio: ['ignore', 'ignore', 'inherit'],
        env: {
          ...process.env,
          FAULT_RUNS: `${runs}`,
          FAULT_SEED: `${seed}`,
          ...(values.cell !== undefined && { FAULT_CELL: values.cell }),
        },
      },
    )
    const [code] = (await once(vitest, 'exit')) as [number | null]
    const { testResults } = JSON.parse(await readFile(report, 'utf8')) as {
      testResults: { status: string; message: string; assertionResults: Assertion[] }[]
    }
    for (const { message } of testResults) if (message !== '') console.log(message)
    const results = testResults.flatMap(({ assertionResults }) => assertionResults)
    return { results, failedBeside: code !== 0 && !results.some(({ status }) => status === 'failed') }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** `7 get: reset at the first byte`, as cells are named. */
function partsOf(title: string): { row: number; operation: string; fault: string } {
  const [, row = '0', operation = '', fault = title] = /^(\d+) (\w+): (.*)$/.exec(title) ?? []
  return { row: Number(row), operation, fault }
}

function printMatrix({ results, failedBeside }: Ran): number {
  const ran = results.filter(({ status }) => status === 'passed' || status === 'failed')
  const byFault = Map.groupBy(ran, ({ title }) => {
    const { row, fault } = partsOf(title)
    return `${row}. ${fault}`
  })
  const operations = ['put', 'parts', 'complete', 'get', 'zip', 'list', 'state']
  console.log('\nRuns, failures (where there are any) and the worst time in ms, by fault and operation:')
  console.log(`\n| fault | ${operations.join(' | ')} |\n|---|${operations.map(() => '---:|').join('')}`)
  const rowOf = (name: string) => Number.parseInt(name, 10)
  for (const [fault, cells] of [...byFault].toSorted(([a], [b]) => rowOf(a) - rowOf(b))) {
    const shown = operations.map((operation) => {
      const own = cells.filter(({ title }) => [operation, 'all'].includes(partsOf(title).operation))
      if (own.length === 0) return '–'
      const failures = own.filter(({ status }) => status === 'failed').length
      const worst = Math.max(...own.map(({ duration = 0 }) => duration)).toFixed(0)
      return failures === 0 ? `${own.length}, ${worst}` : `${own.length}, **${failures} failed**, ${worst}`
    })
    console.log(`| ${fault} | ${shown.join(' | ')} |`)
  }
  const failed = ran.filter(({ status }) => status === 'failed')
  for (const { title, ancestorTitles, failureMessages = [] } of failed) {
    const own = /seed (\d+)/.exec(ancestorTitles.join(' '))?.[1] ?? `${seed}`
    console.log(`\nfailed with the seed ${own}: ${title}\n  ${failureMessages[0]?.split('\n')[0] ?? ''}`)
    console.log(`  npm run test:faults -- --runs 1 --seed ${own} --cell '${title.replaceAll("'", "'\\''")}'`)
  }
  const cells = new Set(ran.map(({ title }) => title))
  console.log(`\n${cells.size} cells, ${ran.length} runs, ${failed.length} failures`)
  if (failedBeside) console.log('FAILED: something beside the cells; see above')
  if (cells.size === 0) console.log('FAILED: no such cell')
  return failed.length + (failedBeside || cells.size === 0 ? 1 : 0)
}

/** A hang is told from slowness: circuits open for five seconds at most. */
const recoveryMaxMs = 20_000

async function runScenarios(): Promise<number> {
  let failures = 0
  const demand = (holds: boolean, what: string) => {
    if (holds) return
    failures += 1
    console.log(`  FAILED: ${what}`)
  }

  const seconds = wholeNumber('outage-seconds')
  for (const status of [503, 429] as const) {
    const how = { outageMs: seconds * 1000, callsPerSecond: 25, seed, settings: defaultSettings, status }
    const outage = await runOutage(how)
    console.log(`\n${seconds} s of 100 % ${status} at 25 calls a second, with the default settings:`)
    console.log(`  calls ${outage.calls}, requests to the store for each ${outage.amplification.toFixed(3)}`)
    console.log(`  of calls that were let through: requests for each ${outage.attemptsPerCall.toFixed(3)}`)
    if (outage.fastFails > 0) {
      console.log(`  first call refused at once after ${outage.firstFastFailMs.toFixed(0)} ms`)
      console.log(`  refused at once ${outage.fastFails}, 99 % of them within ${outage.fastFailP99Ms.toFixed(1)} ms`)
    } else console.log('  none refused at once: throttling alone opens no circuit')
    console.log(`  95 % succeed again ${outage.recoveryMs.toFixed(0)} ms after healing`)
    demand(outage.amplification <= 1.1, 'requests to the store for each call')
    demand(outage.wrongAnswers === 0, `${outage.wrongAnswers} answers that were not 503 with Retry-After`)
    demand(status !== 503 || outage.fastFails > 0, 'no call was refused at once')
    demand(outage.recoveryMs < recoveryMaxMs, 'the time until it had recovered')
    demand(outage.socketsLeft === 0, `${outage.socketsLeft} connections were left`)
  }

  const half = { forMs: Math.min(seconds, 20) * 1000, callsPerSecond: 25, seed, settings: defaultSettings }
  const brownout = await runBrownout(half)
  console.log(`\n${half.forMs / 1000} s in which half of all requests fail, at 25 calls a second:`)
  console.log(`  calls ${brownout.calls}, of which ${brownout.succeeded} succeeded`)
  console.log(`  requests for each call to the store ${brownout.attemptsPerCall.toFixed(3)}`)
  console.log(
    `  retries ${brownout.retries}, at most ${brownout.retriesMax.toFixed(0)}; denied ${brownout.deniedRetries}`,
  )
  console.log(`  circuits that opened ${brownout.opened}`)
  demand(brownout.retries <= brownout.retriesMax, 'the budget of retries')

  const cuts = await runCuts({ cuts: wholeNumber('cuts'), seed })
  console.log(`\ndownloads cut at random places: ${JSON.stringify(cuts)}`)
  demand(cuts.cleanShortBodies === 0, 'short bodies that ended well')
  demand(cuts.wrongBodies + cuts.broken === 0 && cuts.byteEqual === cuts.downloads, 'files that are not byte-equal')
  demand(cuts.socketsLeft === 0, `${cuts.socketsLeft} connections were left`)

  const slow = await runSlowReaders({ clients: wholeNumber('slow-readers'), seed })
  console.log(`\n${slow.clients} clients that take a piece of 8 MiB every second, at once:`)
  console.log(`  the service has ${slow.restMiB.toFixed(0)} MiB at rest and ${slow.mostMiB.toFixed(0)} MiB at most`)
  console.log(
    `  that is ${slow.eachMiB.toFixed(2)} MiB for each; a quick one beside them takes ${slow.quickMs.toFixed(0)} ms`,
  )
  demand(slow.eachMiB < 1, 'the memory of slow readers')

  const leaving = await runLeaving({ clients: 50, seed })
  const [median, worst] = [leaving.medianMs.toFixed(0), leaving.worstMs.toFixed(0)]
  console.log(
    `\n50 clients that leave in the middle of a download: the store's side ends after ${median} ms, at worst ${worst} ms`,
  )
  demand(leaving.leftOver === 0, 'the clients that leave')

  console.log('\nthe main job, all quirks on:')
  const jobs = [
    ...(Object.keys(profiles) as ProfileName[]).map((profile) => ({ profile, failureShare: 0, seed })),
    ...Array.from({ length: runs }, (_, run) => ({
      profile: 'runpod' as const,
      failureShare: 0.05,
      seed: seed + run,
    })),
  ]
  for (const { profile, ...how } of jobs) {
    const name = `${profile}${how.failureShare > 0 ? `, ${100 * how.failureShare} % of calls failing, seed ${how.seed}` : ''}`
    try {
      const { files, requests, spoiled, durationMs } = await runJobOn(profile, how)
      console.log(`  ${name}: ${files} files, ${requests} requests, ${spoiled} spoiled, ${durationMs.toFixed(0)} ms`)
    } catch (error) {
      demand(false, `${name}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  return failures
}

const failures = printMatrix(await runMatrix()) + (values.cell === undefined ? await runScenarios() : 0)
process.exit(failures === 0 ? 0 : 1)
