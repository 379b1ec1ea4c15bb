// The fault matrix and its scenarios, as often and as long as wanted:
//   npm run test:faults -- --runs 20 --seed 1 [--cell '7 get'] [--outage-seconds 60] [--cuts 1000]
// Prints a table of the cells, each with its failures and its worst time, and the figures of the scenarios. Ends with 1 when
// anything failed; what failed is named with the call that runs it alone.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { defaultSettings } from '../src/adapters/resilience/settings.ts'
import { type ProfileName, profiles } from '../test/faults/fake-s3/profiles.ts'
import { runCuts } from '../test/faults/scenarios/cuts.ts'
import { runLeaving } from '../test/faults/scenarios/leaving.ts'
import { runJobOn } from '../test/faults/scenarios/main-job.ts'
import { runOutage } from '../test/faults/scenarios/outage.ts'

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '2' },
    seed: { type: 'string', default: '1' },
    cell: { type: 'string' },
    'outage-seconds': { type: 'string', default: '60' },
    cuts: { type: 'string', default: '1000' },
  },
})
const wholeNumber = (name: 'runs' | 'seed' | 'outage-seconds' | 'cuts') => {
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
}

/** Runs the matrix in a process of its own, and returns what became of each cell. */
async function runMatrix(): Promise<Assertion[]> {
  const folder = await mkdtemp(join(tmpdir(), 'fault-matrix-'))
  const report = join(folder, 'report.json')
  try {
    const vitest = spawn(
      process.execPath,
      [
        join(root, 'node_modules/vitest/vitest.mjs'),
        ...['run', '--project', 'node', 'test/faults/matrix', '--reporter=json', `--outputFile=${report}`],
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
    await once(vitest, 'exit')
    const { testResults } = JSON.parse(await readFile(report, 'utf8')) as {
      testResults: { assertionResults: Assertion[] }[]
    }
    return testResults.flatMap(({ assertionResults }) => assertionResults)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function printMatrix(results: readonly Assertion[]): number {
  const cells = Map.groupBy(
    results.filter(({ status }) => status !== 'pending' && status !== 'skipped'),
    ({ title }) => title,
  )
  console.log('\n| cell | runs | failures | worst, ms |\n|---|---:|---:|---:|')
  for (const [title, ran] of cells) {
    const failures = ran.filter(({ status }) => status !== 'passed').length
    const worst = Math.max(...ran.map(({ duration = 0 }) => duration))
    console.log(`| ${title} | ${ran.length} | ${failures} | ${worst.toFixed(0)} |`)
  }
  const failed = results.filter(({ status }) => status === 'failed')
  for (const { title, ancestorTitles } of failed) {
    const own = /seed (\d+)/.exec(ancestorTitles.join(' '))?.[1] ?? `${seed}`
    console.log(`failed: ${title}\n  npm run test:faults -- --runs 1 --seed ${own} --cell '${title}'`)
  }
  const ran = [...cells.values()].reduce((sum, of) => sum + of.length, 0)
  console.log(`\n${cells.size} cells, ${ran} runs, ${failed.length} failures`)
  return failed.length
}

async function runScenarios(): Promise<number> {
  let failures = 0
  const demand = (holds: boolean, what: string) => {
    if (holds) return
    failures += 1
    console.log(`  FAILED: ${what}`)
  }

  const seconds = wholeNumber('outage-seconds')
  const outage = await runOutage({ outageMs: seconds * 1000, callsPerSecond: 25, seed, settings: defaultSettings })
  console.log(`\n${seconds} s of 100 % 503 at 25 calls a second, with the default settings:`)
  console.log(`  calls ${outage.calls}, requests to the store for each ${outage.amplification.toFixed(3)}`)
  console.log(`  of calls that were let through: requests for each ${outage.attemptsPerCall.toFixed(3)}`)
  console.log(`  first call refused at once after ${outage.firstFastFailMs.toFixed(0)} ms`)
  console.log(`  refused at once ${outage.fastFails}, 99 % of them within ${outage.fastFailP99Ms.toFixed(1)} ms`)
  console.log(`  95 % succeed again ${outage.recoveryMs.toFixed(0)} ms after healing`)
  demand(outage.amplification <= 1.1 && outage.wrongAnswers === 0, 'the outage')

  const cuts = await runCuts({ cuts: wholeNumber('cuts'), seed })
  console.log(`\ndownloads cut at random places: ${JSON.stringify(cuts)}`)
  demand(cuts.cleanShortBodies + cuts.wrongBodies === 0 && cuts.byteEqual === cuts.downloads, 'the cut downloads')

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
