import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Candidate, candidateNames, startCandidate, startOrigin } from '../../bench/export/candidates.ts'
import { isFloor } from '../../bench/export/cases.ts'
import { measure } from '../../bench/export/measure.ts'
import { datasetOf } from '../../bench/export/origin/dataset.ts'
import { demandZipOf } from '../../bench/export/stored-zip.ts'
import type { Child } from '../servers/child.ts'

const dataset = datasetOf(50, 20_000)
const withLength = new Set(['lora-storage', 'client-zip', 'floor', 'floor-ahead'])

// What is measured is read from /proc.
describe.runIf(process.platform === 'linux')('the measurement of exports', () => {
  let folder: string
  let origin: Child
  const candidates = new Map<string, Candidate>()

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'bench-export-'))
    origin = await startOrigin({ latencyMs: 0 })
    await Promise.all(
      candidateNames.map(async (name) => {
        candidates.set(name, await startCandidate(name, { originUrl: origin.caught }))
      }),
    )
  })

  afterAll(async () => {
    await Promise.all([...candidates.values(), origin].map((each) => each.stop()))
    await rm(folder, { recursive: true })
  })

  it.each(candidateNames)('has from %s all files, byte by byte', async (name) => {
    const candidate = candidates.get(name)
    if (candidate === undefined) throw new Error(`${name} was not started`)
    const file = join(folder, name)
    const { delivery, peakBytes } = await measure(candidate, dataset, file)
    if (isFloor(name)) expect(delivery.bytes).toBe(dataset.files * dataset.fileBytes)
    else {
      demandZipOf(dataset, file)
      expect(() => demandZipOf(datasetOf(51, 20_000), file)).toThrow()
    }
    expect(delivery.contentLength).toBe(withLength.has(name) ? delivery.bytes : undefined)
    expect(delivery.firstByteMs).toBeLessThanOrEqual(delivery.wallMs)
    expect(peakBytes).toBeGreaterThan(dataset.fileBytes)
  })
})
