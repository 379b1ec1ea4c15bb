import { run } from '../../domain/export/programs.ts'
import { makeExport, uploadSamples } from '../export-client.ts'
import { recordChecksums, writeManyFiles, writeSparseFile } from '../foreign-files.ts'
import { type Growth, growthDuring } from '../resident-memory.ts'
import { openWorkspace } from './workspace.ts'

export interface MemoryOptions {
  /** What is exported. */
  readonly of: { readonly largeBytes: number; readonly slowSeconds: number } | { readonly files: number }
  readonly onMeasured?: (measured: Measured) => void
}

export interface Measured extends Growth {
  readonly work: string
  readonly seconds: number
}

/**
 * How much the service grows while it makes and sends exports. Each work meets a process of its own that has done a small
 * one before: what any first request loads is not what a large one holds.
 */
export async function measureMemory({ of, onMeasured = () => {} }: MemoryOptions): Promise<readonly Measured[]> {
  const workspace = await openWorkspace()
  const env = {
    ...workspace.env,
    LINK_SECRETS: `k1:${Buffer.alloc(32, 1).toString('base64')}`,
    // As it is run: what is kept compiled takes memory of its own.
    NODE_DISABLE_COMPILE_CACHE: '1',
  }
  const measured: Measured[] = []
  const measure = async (work: string, during: (origin: string) => Promise<void>) => {
    const service = await workspace.startService(env)
    const { url } = await makeExport(service.caught, [{ dataset: 'samples' }])
    await save(onInstance(service.caught, url))
    const startedAt = performance.now()
    const growth = await growthDuring([service.pid], () => during(service.caught))
    const one = { work, seconds: (performance.now() - startedAt) / 1000, ...growth }
    await service.stop()
    measured.push(one)
    onMeasured(one)
  }

  /** Making the export, and then its download, by whatever reader. */
  const measureExport = async (name: string, prefix: string, downloads: Readonly<Record<string, string[]>>) => {
    let url = ''
    await measure(`${name}: POST`, async (origin) => {
      url = (await makeExport(origin, [{ prefix }])).url
    })
    for (const [reader, options] of Object.entries(downloads)) {
      await measure(`${name}: ${reader}`, (origin) => save(onInstance(origin, url), options))
    }
  }

  try {
    const first = await workspace.startService(env)
    await uploadSamples(first.caught, 'samples')
    await first.stop()

    if ('files' in of) {
      await writeManyFiles(workspace.fileOf('files/many'), of.files)
      await measureExport(`${of.files} files`, 'files/many/', { GET: [] })
    } else {
      const key = 'files/large/model.safetensors'
      await writeSparseFile(workspace.fileOf(key), of.largeBytes, 1)
      await recordChecksums(env, [key])
      const slow = ['--limit-rate', '40M', '--max-time', `${of.slowSeconds}`]
      const title = `${of.largeBytes / 2 ** 20} MiB`
      await measureExport(title, 'files/large/', { 'GET by a fast reader': [], 'GET at 40 MiB/s': slow })
    }
  } finally {
    await workspace.stop()
  }
  return measured
}

const onInstance = (origin: string, url: string) => `${origin}${new URL(url).pathname}`

/** The whole of it, or as much as comes in the time that `options` allow. */
async function save(url: string, options: readonly string[] = []): Promise<void> {
  await run('curl', ['-sSf', '-o', '/dev/null', ...options, url]).catch((error: Error) => {
    if (!/ended with 28\n/.test(error.message)) throw error
  })
}
