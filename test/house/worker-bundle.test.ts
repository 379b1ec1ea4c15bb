import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { repository } from '../servers/child.ts'

/** A Worker's start is on the clock, and every kilobyte is parsed at it. */
const maxGzippedKiB = 300

it(`makes a Worker that can be deployed, of less than ${maxGzippedKiB} KiB minified and gzipped`, async () => {
  const outDir = await mkdtemp(join(tmpdir(), 'worker-bundle-'))
  try {
    const wrangler = join(repository, 'node_modules/wrangler/bin/wrangler.js')
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [wrangler, 'deploy', '--dry-run', '--minify', '--outdir', outDir],
      { cwd: repository, env: { PATH: process.env.PATH, HOME: process.env.HOME, WRANGLER_SEND_METRICS: 'false' } },
    )
    const sizes = /Total Upload: ([\d.]+) KiB \/ gzip: ([\d.]+) KiB/.exec(stdout)
    process.stdout.write(`Worker: ${sizes?.[1]} KiB minified, ${sizes?.[2]} KiB gzipped\n`)
    expect(Number(sizes?.[2])).toBeLessThan(maxGzippedKiB)
  } finally {
    await rm(outDir, { recursive: true, force: true })
  }
})
