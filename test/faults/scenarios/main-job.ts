import { join } from 'node:path'
import { runMainJob } from '../../../scripts/main-job.ts'
import type { ProfileName } from '../fake-s3/profiles.ts'
import { startRig } from '../matrix/rig.ts'

export interface JobFigures {
  readonly profile: ProfileName
  readonly files: number
  readonly requests: number
  /** Of those, how many the store or the line spoiled. */
  readonly spoiled: number
  readonly durationMs: number
}

const samples = join(import.meta.dirname, '../../data/training-set')

/** The whole main job, over HTTP, on a store of this profile with all its quirks, so many of whose answers fail. Throws at the first wrong thing. */
export async function runJobOn(
  profile: ProfileName,
  { failureShare, seed }: { readonly failureShare: number; readonly seed: number },
): Promise<JobFigures> {
  const rig = await startRig({ profile, seed, failureShare })
  const startedAtMs = performance.now()
  try {
    const { files } = await runMainJob({ baseUrl: rig.origin, samples })
    return {
      profile,
      files,
      requests: rig.fake.count(),
      spoiled: rig.fake.requests.filter(({ fault }) => fault !== undefined).length,
      durationMs: performance.now() - startedAtMs,
    }
  } finally {
    await rig.stop()
  }
}
