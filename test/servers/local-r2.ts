import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { vi } from 'vitest'
import { unstable_dev } from 'wrangler'
import type { S3Connection } from '../../src/adapters/s3/client.ts'

export interface LocalR2 {
  readonly connection: S3Connection
  /** Exists already. */
  readonly bucket: string
  stop(): Promise<void>
}

const bucket = 'test-bucket'
const credentials = { accessKeyId: 'local-key', secretAccessKey: 'local-secret' }

/**
 * The S3 API of wrangler's local R2: other than s3rver it checks every signature and honours conditions on PUT. In memory,
 * on a free loopback port.
 */
export async function startLocalR2(): Promise<LocalR2> {
  // Nothing of this needs the network.
  vi.stubEnv('WRANGLER_SEND_METRICS', 'false')
  vi.stubEnv('CLOUDFLARE_CF_FETCH_ENABLED', 'false')
  const directory = await mkdtemp(join(tmpdir(), 'local-r2-'))
  const config = join(directory, 'wrangler.json')
  await writeFile(
    config,
    JSON.stringify({
      name: 'local-r2',
      compatibility_date: '2026-11-01',
      r2_buckets: [{ binding: 'BUCKET', bucket_name: bucket, local_dev: { experimental_s3_credentials: credentials } }],
    }),
  )
  const worker = await unstable_dev(fileURLToPath(new URL('nothing.worker.ts', import.meta.url)), {
    config,
    ip: '127.0.0.1',
    persist: false,
    logLevel: 'none',
    experimental: { disableExperimentalWarning: true },
  })
  return {
    connection: { endpoint: `http://127.0.0.1:${worker.port}/cdn-cgi/local/r2/s3`, region: 'auto', credentials },
    bucket,
    async stop() {
      await worker.stop()
      await rm(directory, { recursive: true, force: true })
    },
  }
}
