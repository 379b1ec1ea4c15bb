// Instances, workers and users on a store that loses, doubles, delays and reorders, in simulated time:
//   npm run simulate -- --seeds 1000 [--seed 1] [--mode cas|merge] [--mutants] [--history FILE]
// Ends with 1 when an invariant was violated, or (--mutants) when a mutant was not caught. The same seed does the same again;
// --history writes what the clients of the first seed saw, one JSON record a line.
import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { catchMutant } from '../test/simulation/catch-mutant.ts'
import { jsonLines } from '../test/simulation/history.ts'
import { mutants } from '../test/simulation/mutants.ts'
import { simulate } from '../test/simulation/simulate.ts'

const usage = 'npm run simulate -- [--seeds 100] [--seed 1] [--mode cas|merge] [--mutants] [--history FILE]\n'
const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '100' },
    seed: { type: 'string', default: '1' },
    mode: { type: 'string' },
    mutants: { type: 'boolean', default: false },
    history: { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false },
  },
})
if (values.help) {
  process.stdout.write(usage)
  process.exit(0)
}
const wholeNumber = (name: 'seeds' | 'seed') => {
  const number = Number(values[name])
  if (!Number.isInteger(number) || number < 0) throw new Error(`--${name} takes a whole number`)
  return number
}
const [seeds, first] = [wholeNumber('seeds'), wholeNumber('seed')]
const say = (line: string) => process.stdout.write(`${line}\n`)
let failures = 0

async function simulateAll(mode: 'cas' | 'merge'): Promise<void> {
  let [calls, bad] = [0, 0]
  for (let seed = first; seed < first + seeds; seed++) {
    const run = await simulate(seed, mode)
    calls += run.calls.length
    if (seed === first && values.history !== undefined) await writeFile(values.history, jsonLines(run.calls))
    if (run.violations.length === 0) continue
    bad += 1
    for (const { invariant, id, detail } of run.violations.slice(0, 5)) {
      say(`${mode} seed ${seed}: ${invariant} ${id} ${detail}`)
    }
  }
  failures += bad
  say(`${mode}: ${seeds} seeds, ${calls} calls, ${bad} seeds with violations`)
}

if (values.mutants) {
  let caughtCount = 0
  for (const mutant of mutants) {
    const caught = await catchMutant(mutant, first, seeds)
    if (caught === undefined) failures += 1
    else caughtCount += 1
    say(`${mutant.name}: ${caught ? `seed ${caught.seed}, ${caught.invariant} ${caught.detail}` : 'NOT CAUGHT'}`)
  }
  say(`${caughtCount} of ${mutants.length} mutants caught`)
} else {
  const { mode } = values
  if (mode !== undefined && mode !== 'cas' && mode !== 'merge') throw new Error('--mode takes cas or merge')
  const modes = mode === undefined ? (['cas', 'merge'] as const) : ([mode] as const)
  for (const one of modes) await simulateAll(one)
}
process.exitCode = failures === 0 ? 0 : 1
