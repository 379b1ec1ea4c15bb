import { createSystemClock } from '../adapters/system/clock.ts'
import { createIds } from '../adapters/web-crypto/ids.ts'
import { cleanMs, examineStore } from '../domain/doctor/examine-store.ts'
import { type StoreUses, usesOf } from '../domain/doctor/summary.ts'
import { runCommand } from './command.ts'
import { readConfig } from './config.ts'
import { reportJson } from './doctor/json.ts'
import { patientsOf } from './doctor/patients.ts'
import { type ReportedStore, reportText } from './doctor/table.ts'

// `npm run doctor`: what the configured store can do, tried on the store itself. Not through `resilience`: its retries would
// hide what fails now and then, its breaker all that comes after a failure. Each call has a time limit instead.

/** Of all stores together, tidied up. */
const allMs = 90_000
const checkMs = 20_000

const exitBroken = 1

const clock = createSystemClock()

async function examine(asJson: boolean, interrupted: AbortSignal): Promise<number> {
  const config = readConfig(process.env)
  const patients = patientsOf(config, { ids: createIds(), clock })
  const stores: ReportedStore[] = []
  const uses: StoreUses[] = []
  for (const { holds, place, browsersReachStore, ...patient } of patients) {
    const limits = { eachMs: checkMs, allMs: Math.floor(allMs / patients.length) - cleanMs }
    const report = await examineStore({ ...patient, clock, limits }, { signal: interrupted })
    stores.push({ holds, place, ...report })
    uses.push(usesOf(report, { browsersReachStore }))
  }
  // Process state is kept in the last store, everything else in the first.
  const [objects, state] = [uses.at(0), uses.at(-1)]
  const together: StoreUses = {
    processState: state?.processState,
    links: objects?.links,
    uploads: objects?.uploads,
  }
  const text = asJson
    ? reportJson(stores, together)
    : reportText(stores, together, { colours: process.stdout.isTTY === true })
  process.stdout.write(`${text}\n`)
  return stores.some(({ findings }) => findings.some(({ verdict }) => verdict === 'broken')) ? exitBroken : 0
}

await runCommand(
  'doctor',
  (signal) => examine(process.argv.includes('--json'), signal),
  (signal) => process.stderr.write(`${signal}: removing the trial objects\n`),
)
