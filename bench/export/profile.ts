import { existsSync, readFileSync, rmSync } from 'node:fs'
import type { Profiler } from 'node:inspector'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { repository } from '../../test/servers/child.ts'
import { ours, startCandidate } from './candidates.ts'
import { measure } from './measure.ts'
import type { Dataset } from './origin/dataset.ts'

const functionsShown = 25
const pollMs = 50

/** Prints where the service's time goes while it delivers `dataset`: by package, and by function, own time only. */
export async function profileDelivery(
  dataset: Dataset,
  { originUrl, folder, signal }: { originUrl: string; folder: string; signal: AbortSignal },
) {
  const file = join(folder, 'export.cpuprofile')
  rmSync(file, { force: true })
  const service = await startCandidate(ours, {
    originUrl,
    nodeArgs: ['--import', pathToFileURL(join(import.meta.dirname, 'profile-on-signal.ts')).href],
    env: { PROFILE_FILE: file },
  })
  try {
    await measure(service, dataset, { signal })
    const { url } = await service.prepare(dataset, signal)
    const toggle = () => process.kill(service.pid, 'SIGUSR2')
    toggle()
    await measure({ ...service, prepare: async () => ({ url, prepareMs: 0 }) }, dataset, { signal })
    toggle()
    while (!existsSync(file)) await sleep(pollMs, undefined, { signal })
  } finally {
    await service.stop()
  }
  print(JSON.parse(readFileSync(file, 'utf8')) as Profiler.Profile)
}

function print({ nodes, samples = [], timeDeltas = [] }: Profiler.Profile): void {
  const byId = new Map(nodes.map((node) => [node.id, node.callFrame]))
  const byFunction = new Map<string, number>()
  const byOwner = new Map<string, number>()
  let busyUs = 0
  samples.forEach((id, nth) => {
    const frame = byId.get(id)
    const us = timeDeltas[nth] ?? 0
    if (frame === undefined || frame.functionName === '(idle)') return
    busyUs += us
    const owner = ownerOf(frame)
    const named = `${frame.functionName || '(anonymous)'} ${placeOf(frame)}`.trim()
    byOwner.set(owner, (byOwner.get(owner) ?? 0) + us)
    byFunction.set(named, (byFunction.get(named) ?? 0) + us)
  })
  for (const [title, sums, shown] of [
    ['where', byOwner, functionsShown],
    ['function', byFunction, functionsShown],
  ] as const) {
    console.log(`\n| ${title} | own time, ms | of ${(busyUs / 1000).toFixed(0)} ms busy |\n|---|---:|---:|`)
    const ranked = [...sums].sort((a, b) => b[1] - a[1]).slice(0, shown)
    for (const [name, us] of ranked) {
      console.log(`| ${name} | ${(us / 1000).toFixed(0)} | ${((100 * us) / busyUs).toFixed(1)} % |`)
    }
  }
}

type Frame = Profiler.ProfileNode['callFrame']

/** The package, our own folder, or the part of Node. */
function ownerOf({ url, functionName }: Frame): string {
  const dependency = /node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!.*node_modules\/)/.exec(url)?.[1]
  if (dependency !== undefined) return dependency
  const own = /\/(src\/.+)\/[^/]+$/.exec(url)?.[1]
  if (own !== undefined) return own
  if (url.startsWith('node:')) return url.split('/').slice(0, 3).join('/')
  return functionName.startsWith('(') ? functionName : 'native'
}

function placeOf({ url, lineNumber }: Frame): string {
  if (url === '') return ''
  const shown = url.replace(pathToFileURL(repository).href, '').replace(/^.*node_modules\//, '')
  return `${shown}:${lineNumber + 1}`
}
