import { type Candidate, type CandidateName, candidateNames, startCandidate } from './candidates.ts'
import { bundleCandidate, connections, startWorkerd, workerdNames, workerdVersion } from './workerd/candidates.ts'

/** What candidates run on, each in a process of its own. */
export interface Runtime {
  readonly version: string
  readonly candidates: readonly CandidateName[]
  /** How many requests the store answers at once; 0: as many as there are. */
  readonly answersAtOnce: number
  start(name: CandidateName, options: { originUrl: string }): Promise<Candidate>
}

export const onNode: Runtime = {
  version: `node ${process.version}`,
  candidates: candidateNames,
  answersAtOnce: 0,
  start: startCandidate,
}

/** Keeps its bundles below `folder`, each made once. `signal` ends the bundling. */
export function onWorkerd(options: { folder: string; signal: AbortSignal }): Runtime {
  const bundles = new Map<CandidateName, string>()
  return {
    version: `workerd ${workerdVersion}`,
    candidates: workerdNames,
    answersAtOnce: connections,
    async start(name, { originUrl }) {
      const bundle = bundles.get(name) ?? (await bundleCandidate(name, options))
      bundles.set(name, bundle)
      return await startWorkerd(name, { bundle, originUrl })
    },
  }
}
