// Exports that are large, read by real programs, and what they cost:
//   npm run test:exports -- [--large] [--only readers|memory|workerd|cuts]
// With --large: entries of 4.5 GiB and 3 × 2 GiB, 70,000 entries; takes ten minutes and 8 GB of disk. Without it everything
// is so much smaller that it takes two. Prints how long each took and how much the service grew. Ends with 1 when anything
// failed.
import { parseArgs } from 'node:util'
import { runCuts } from '../test/exports/scenarios/cuts.ts'
import { type MemoryOptions, measureMemory } from '../test/exports/scenarios/memory.ts'
import { type Large, readLarge } from '../test/exports/scenarios/read-large.ts'
import { runWorkerd } from '../test/exports/scenarios/workerd.ts'

const steps = ['readers', 'memory', 'workerd', 'cuts'] as const
const usage = `npm run test:exports -- [--large] [--only ${steps.join('|')}]\n`
const { values } = parseArgs({
  options: {
    large: { type: 'boolean', default: false },
    only: { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false },
  },
})
if (values.help) {
  process.stdout.write(usage)
  process.exit(0)
}
if (values.only !== undefined && !steps.some((step) => step === values.only)) throw new Error(usage)

const MiB = 2 ** 20
/** What a download may add to the memory of the service, whatever its size. */
const growthMaxMiB = 96
const [largeBytes, twoGiB, many, captions] = values.large
  ? [4608 * MiB, 2048 * MiB, 70_000, 10_000]
  : [600 * MiB, 128 * MiB, 7_000, 1_000]

let failures = 0
const demand = (holds: boolean, what: string) => {
  if (holds) return
  failures += 1
  console.log(`  FAILED: ${what}`)
}

/** What it throws is a failure of its own, and the others go on. */
async function step(name: (typeof steps)[number], title: string, work: () => Promise<void>): Promise<void> {
  if (values.only !== undefined && values.only !== name) return
  console.log(`\n${title}:`)
  await work().catch((error: unknown) => demand(false, error instanceof Error ? error.message : String(error)))
}

const archives: readonly [string, Large][] = [
  [`one entry of ${largeBytes / MiB} MiB`, { sizes: [largeBytes] }],
  [`three entries of ${twoGiB / MiB} MiB`, { sizes: [twoGiB, twoGiB, twoGiB] }],
  [`${many} entries`, { files: many }],
]
for (const [title, large] of archives) {
  await step('readers', `${title}, every name and byte`, () =>
    readLarge(large, ({ reader, seconds }) => console.log(`  ${reader}: ${seconds.toFixed(1)} s`)),
  )
}

const memoryOf: readonly MemoryOptions['of'][] = [{ largeBytes, slowSeconds: 10 }, { files: captions }, { files: many }]
for (const of of memoryOf) {
  await step('memory', 'how much the service grows', async () => {
    const onMeasured: MemoryOptions['onMeasured'] = ({ work, seconds, growthMiB, beforeMiB }) => {
      const [growth, before] = [growthMiB.toFixed(0), beforeMiB.toFixed(0)]
      console.log(`  ${work}: ${growth} MiB above ${before} MiB, in ${seconds.toFixed(1)} s`)
      demand(growthMiB <= growthMaxMiB, `${work} grew by ${growth} MiB`)
    }
    await measureMemory({ of, onMeasured })
  })
}

await step('workerd', `one entry of ${largeBytes / MiB} MiB through workerd`, async () => {
  const { bytes, seconds, beforeMiB, growthMiB } = await runWorkerd({ sizeBytes: largeBytes })
  console.log(`  ${bytes} bytes in ${seconds.toFixed(1)} s, as Node sends them`)
  console.log(`  workerd grew by ${growthMiB.toFixed(0)} MiB above ${beforeMiB.toFixed(0)} MiB`)
  demand(growthMiB <= growthMaxMiB, `workerd grew by ${growthMiB.toFixed(0)} MiB`)
})

await step('cuts', 'a store that cuts every read after 50 MiB', async () => {
  const { bytes, reads, seconds } = await runCuts({ sizeBytes: largeBytes, everyBytes: 50 * MiB })
  console.log(`  ${bytes} bytes, byte-equal, in ${reads} reads and ${seconds.toFixed(1)} s`)
})

console.log(failures === 0 ? '\nall well' : `\n${failures} failed`)
process.exit(failures === 0 ? 0 : 1)
