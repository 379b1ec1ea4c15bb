// Exports of this service against the zip libraries of npm as their users write them, over one store and to one client, in
// one run: `npm run bench:export -- --runs 5 --case a0 --only archiver`. With
// `--profile`, where our own time goes. Prints Markdown tables. Needs Linux.
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { type Candidate, type CandidateName, ours, startOrigin } from './export/candidates.ts'
import { type Case, cases, datasetFor, isFloor } from './export/cases.ts'
import type { Delivery } from './export/client/delivery.ts'
import { measure, type Sample } from './export/measure.ts'
import { datasetOf, datasetsPrefix } from './export/origin/dataset.ts'
import { usageOf } from './export/process-usage.ts'
import { profileDelivery } from './export/profile.ts'
import { onNode, onWorkerd, type Runtime } from './export/runtimes.ts'
import { demandZipOf } from './export/stored-zip.ts'
import { printRows, type Row } from './export/table.ts'

const { values: options } = parseArgs({
  options: {
    runs: { type: 'string', default: '3' },
    case: { type: 'string', multiple: true },
    only: { type: 'string', multiple: true },
    workerd: { type: 'boolean', default: false },
    profile: { type: 'boolean', default: false },
  },
})
if (options.profile && options.workerd) throw new Error('--profile is of Node')
const runs = Number(options.runs)
/** A terminal sends its signal to all, and npm sends it once more. */
const interrupted = new AbortController()
for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => interrupted.abort(new Error(name)))
const { signal } = interrupted

interface Contender {
  readonly candidate: Candidate
  readonly idleBytes: number
  readonly samples: Sample[]
}

/** One process each, all of them started, then in turns: what the machine does besides hurts all alike. */
async function runCase(one: Case, folder: string): Promise<void> {
  const { answersAtOnce } = runtime
  const origin = await startOrigin({ latencyMs: one.latencyMs, answersAtOnce })
  const contenders: Contender[] = []
  try {
    for (const name of contendersOf(one)) {
      signal.throwIfAborted()
      const candidate = await runtime.start(name, { originUrl: origin.caught })
      contenders.push({ candidate, idleBytes: usageOf(candidate.pid).residentBytes, samples: [] })
    }
    for (const { candidate } of contenders) await warmUp(candidate, one, folder)
    for (let run = 0; run < runs; run++) {
      for (const { candidate, samples } of contenders) {
        const sample = await measure(candidate, datasetFor(one, candidate.name), { signal })
        samples.push(sample)
        const { firstByteMs, wallMs } = sample.delivery
        console.error(
          `${one.name} ${run + 1}/${runs} ${candidate.name}: ${firstByteMs.toFixed(0)} … ${wallMs.toFixed(0)} ms`,
        )
      }
    }
    const rows: Row[] = contenders.map(({ candidate, ...rest }) => ({ name: candidate.name, ...rest }))
    console.log(`\n### ${one.name}: ${one.title}\n`)
    printRows([...rows, ...(await ceilings(one, origin.caught))])
  } finally {
    for (const { candidate } of contenders) await candidate.stop()
    await origin.stop()
  }
}

function contendersOf({ without }: Case): CandidateName[] {
  const wanted = (name: CandidateName) => name === ours || (options.only?.includes(name) ?? true)
  return runtime.candidates.filter((name) => wanted(name) && !without.includes(name))
}

/** Once, whole, and looked at: what is measured later is what was found right here. */
async function warmUp(candidate: Candidate, one: Case, folder: string): Promise<void> {
  const dataset = datasetFor(one, candidate.name)
  const file = join(folder, `${candidate.name}.zip`)
  const { delivery } = await measure(candidate, dataset, { keepIn: file, signal })
  if (!isFloor(candidate.name)) demandZipOf(dataset, file)
  else if (delivery.bytes !== dataset.files * dataset.fileBytes) throw new Error(`${candidate.name} sent too little`)
  await rm(file)
}

/** The store without anybody between it and the client. */
async function ceilings({ dataset, latencyMs }: Case, originUrl: string): Promise<Row[]> {
  const script = join(import.meta.dirname, 'export/client/ceiling.ts')
  const url = `${originUrl}/bench/${datasetsPrefix}${dataset.name}/`
  const rows: Row[] = []
  for (const connections of [1, runtime.answersAtOnce || 16]) {
    // With a latency, one connection tells nothing that is not told by it.
    if (latencyMs > 0 && connections === 1) continue
    const args = [script, url, `${dataset.files}`, `${connections}`]
    const { stdout } = await promisify(execFile)(process.execPath, args, { signal })
    const delivery = JSON.parse(stdout) as Delivery
    rows.push({
      name: `the store itself, ${connections} at once`,
      samples: [
        { dataset: datasetOf(dataset.files, dataset.fileBytes), prepareMs: 0, delivery, cpuSeconds: 0, peakBytes: 0 },
      ],
    })
  }
  return rows
}

async function profileCase(one: Case, folder: string): Promise<void> {
  const origin = await startOrigin(one)
  try {
    console.log(`\n### ${one.name}: ${one.title}`)
    await profileDelivery(one.dataset, { originUrl: origin.caught, folder, signal })
  } finally {
    await origin.stop()
  }
}

const folder = await mkdtemp(join(tmpdir(), 'bench-export-'))
const runtime: Runtime = options.workerd ? onWorkerd({ folder, signal }) : onNode
try {
  for (const one of cases)
    if (options.case?.includes(one.name) ?? true) await (options.profile ? profileCase : runCase)(one, folder)
  if (!options.profile) console.log(`\nMedians of ${runs}, ${runtime.version}; MB and GB are decimal.`)
} catch (error) {
  if (!signal.aborted) throw error
  console.error(`ended by ${signal.reason.message}`)
  process.exitCode = 130
} finally {
  await rm(folder, { recursive: true })
}
