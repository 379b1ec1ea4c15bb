import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Candidate, type CandidateName, candidateNames, startOrigin } from '../../bench/export/candidates.ts'
import { isFloor } from '../../bench/export/cases.ts'
import { measure } from '../../bench/export/measure.ts'
import { datasetOf } from '../../bench/export/origin/dataset.ts'
import { onNode, onWorkerd, type Runtime } from '../../bench/export/runtimes.ts'
import { demandZipOf } from '../../bench/export/stored-zip.ts'
import { workerdNames } from '../../bench/export/workerd/candidates.ts'
import type { Child } from '../servers/child.ts'

const dataset = datasetOf(50, 20_000)

interface Measured {
  readonly names: readonly CandidateName[]
  readonly withLength: readonly CandidateName[]
  open(folder: string): Runtime
}

const runtimes: readonly [string, Measured][] = [
  [
    'on Node',
    {
      names: candidateNames,
      withLength: ['lora-storage', 'client-zip', 'floor', 'floor-ahead'],
      open: () => onNode,
    },
  ],
  [
    'on workerd',
    {
      names: workerdNames,
      // workerd drops the one that client-zip announces, for its stream is made in JavaScript.
      withLength: ['lora-storage', 'floor', 'floor-ahead'],
      open: (folder) => onWorkerd({ folder, signal: AbortSignal.timeout(60_000) }),
    },
  ],
]

// What is measured is read from /proc.
describe.runIf(process.platform === 'linux').each(runtimes)('the measurement of exports %s', (_, measured) => {
  let folder: string
  let origin: Child
  const candidates = new Map<string, Candidate>()

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'bench-export-'))
    const { start, answersAtOnce } = measured.open(folder)
    origin = await startOrigin({ latencyMs: 0, answersAtOnce })
    await Promise.all(
      measured.names.map(async (name) => {
        candidates.set(name, await start(name, { originUrl: origin.caught }))
      }),
    )
  })

  afterAll(async () => {
    await Promise.all([...candidates.values(), origin].map((each) => each.stop()))
    await rm(folder, { recursive: true })
  })

  it.each(measured.names)('has from %s all files, byte by byte', async (name) => {
    const candidate = candidates.get(name)
    if (candidate === undefined) throw new Error(`${name} was not started`)
    const file = join(folder, `${name}.zip`)
    const { delivery, peakBytes } = await measure(candidate, dataset, { keepIn: file })
    if (isFloor(name)) expect(delivery.bytes).toBe(dataset.files * dataset.fileBytes)
    else {
      demandZipOf(dataset, file)
      expect(() => demandZipOf(datasetOf(51, 20_000), file)).toThrow()
    }
    expect(delivery.contentLength).toBe(measured.withLength.includes(name) ? delivery.bytes : undefined)
    expect(delivery.firstByteMs).toBeLessThanOrEqual(delivery.wallMs)
    expect(peakBytes).toBeGreaterThan(dataset.fileBytes)
  })
})
