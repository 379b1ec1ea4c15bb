import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { repository } from '../../../test/servers/child.ts'

const wrangler = join(repository, 'node_modules/wrangler/bin/wrangler.js')
const settings = join(repository, 'wrangler.toml')

/**
 * Bundles a Worker's script into `folder` as it is deployed, by the settings of `wrangler.toml`. Resolves with its path. Throws
 * with what Wrangler said where it cannot be.
 */
export async function bundleWorker(
  script: string,
  { folder, signal }: { folder: string; signal: AbortSignal },
): Promise<string> {
  await promisify(execFile)(
    process.execPath,
    [wrangler, 'deploy', script, '--config', settings, '--dry-run', '--outdir', folder],
    {
      cwd: repository,
      env: { PATH: process.env.PATH, HOME: process.env.HOME, WRANGLER_SEND_METRICS: 'false' },
      signal,
    },
  )
  return join(folder, basename(script).replace(/\.ts$/, '.js'))
}

export interface Compatibility {
  readonly date: string
  readonly flags: readonly string[]
}

/** What `wrangler.toml` asks of the runtime. */
export async function deployedCompatibility(): Promise<Compatibility> {
  return compatibilityOf(await readFile(settings, 'utf8'))
}

/** Throws where `toml` does not say it, each on a line of its own. */
export function compatibilityOf(toml: string): Compatibility {
  const date = /^compatibility_date = "(.+)"$/m.exec(toml)?.[1]
  const flags = /^compatibility_flags = (\[.*\])$/m.exec(toml)?.[1]
  if (date === undefined || flags === undefined) throw new Error('wrangler.toml says no compatibility')
  return { date, flags: JSON.parse(flags) as string[] }
}
