import { writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { repository, startChild } from '../../../test/servers/child.ts'
import { type Candidate, type CandidateName, ours, preparing, serviceEnv } from '../candidates.ts'
import { bundleWorker, deployedCompatibility } from './bundle.ts'
import { workerdSettings } from './settings.ts'

/** Those that run on Workers and answer with a stream. */
export const workerdNames = [
  ours,
  'client-zip',
  'zip-js',
  'fflate',
  'floor',
  'floor-ahead',
] as const satisfies CandidateName[]

/** What Cloudflare gives a request. */
export const connections = 6

const listening = /"event":"listen".*"port":(\d+)/
/** The one that Wrangler brings. */
const workerd = createRequire(createRequire(import.meta.url).resolve('wrangler'))('workerd') as {
  readonly default: string
  readonly version: string
}
export const workerdVersion = workerd.version

const scriptOf = (name: CandidateName) =>
  name === ours ? 'src/app/worker.ts' : `bench/export/workerd/peers/${name}.worker.ts`

/** Bundles a candidate in a folder of its own below `folder`. Resolves with the bundle's path. */
export const bundleCandidate = (
  name: CandidateName,
  { folder, signal }: { folder: string; signal: AbortSignal },
): Promise<string> => bundleWorker(join(repository, scriptOf(name)), { folder: join(folder, name), signal })

/** A workerd of its own, that runs `bundle` and reads from the bucket of `originUrl`. */
export async function startWorkerd(
  name: CandidateName,
  { bundle, originUrl }: { bundle: string; originUrl: string },
): Promise<Candidate> {
  const settings = join(dirname(bundle), 'workerd.capnp')
  const env = name === ours ? serviceEnv(originUrl) : { S3_ENDPOINT_URL: originUrl }
  await writeFile(settings, workerdSettings(basename(bundle), { compatibility: await deployedCompatibility(), env }))
  const child = await startChild(['serve', '--control-fd=1', settings], { program: workerd.default, ready: listening })
  const prepare = preparing(name)
  const url = `http://127.0.0.1:${child.caught}`
  return { name, pid: child.pid, prepare: (dataset, signal) => prepare(url, dataset, signal), stop: () => child.stop() }
}
