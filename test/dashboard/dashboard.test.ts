import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import type { MainJobTarget } from '../main-job/describe-main-job.ts'
import { startChild } from '../servers/child.ts'
import { type S3rver, startS3rver } from '../servers/s3rver.ts'
import { startNode } from '../servers/start-node.ts'
import { describeDashboard } from './describe-dashboard.ts'
import { pageOrigin } from './page.ts'

let dir: string
let s3rver: S3rver

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'lora-storage-dashboard-'))
})

afterAll(async () => {
  await rm(dir, { recursive: true, force: true })
})

const env = { CORS_ORIGINS: pageOrigin }
const targets: readonly MainJobTarget[] = [
  { name: 'the folder store', start: () => startNode({ ...env, DATA_DIR: join(dir, 'folder') }) },
  {
    name: 's3rver',
    start: async () => {
      s3rver = await startS3rver()
      return startNode({ ...env, ...s3rver.environment })
    },
    stop: () => s3rver.stop(),
  },
  {
    name: 'workerd with R2',
    start: () =>
      startChild(
        [
          'scripts/dev-worker.ts',
          ...['--port', '0', '--persist-to', join(dir, 'r2'), '--var', `CORS_ORIGINS:${pageOrigin}`],
        ],
        { ready: /Ready on (http\S+)/, readyMs: 60_000 },
      ),
  },
]

for (const target of targets) describeDashboard(target)
