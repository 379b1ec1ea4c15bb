import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { CreateBucketCommand } from '@aws-sdk/client-s3'
import { createS3Client } from '../../src/adapters/s3/client.ts'
import type { Random } from '../faults/random.ts'
import { startCeph } from '../servers/ceph/start-ceph.ts'
import { type Child, startChild } from '../servers/child.ts'
import { startS3rver } from '../servers/s3rver.ts'

export const storeNames = ['folder', 's3rver', 'r2', 'ceph'] as const
export type StoreName = (typeof storeNames)[number]

export interface Instances {
  readonly origins: readonly string[]
  /** Kills one without a word and starts it again where it listened, until `isOver`. Gives how often. */
  killNowAndThen(random: Random, isOver: () => boolean): Promise<number>
  stop(): Promise<void>
}

/** Three processes on one store of this kind; of workerd one, which alone can have its files. */
export async function startInstances(store: StoreName): Promise<Instances | { readonly unavailable: string }> {
  const dir = await mkdtemp(join(tmpdir(), 'lora-storage-load-'))
  const removeDir = () => rm(dir, { recursive: true, force: true })
  if (store === 'r2') return workerd(dir, removeDir)
  if (store === 'folder') return nodes({ DATA_DIR: join(dir, 'data') }, removeDir)
  if (store === 's3rver') {
    const { connection, bucket, stop } = await startS3rver()
    const account = { AWS_ACCESS_KEY_ID: 'S3RVER', AWS_SECRET_ACCESS_KEY: 'S3RVER' }
    return nodes({ S3_ENDPOINT_URL: `${connection.endpoint}`, S3_BUCKET: bucket, ...account }, async () => {
      await stop()
      await removeDir()
    })
  }
  const ceph = await startCeph(new AbortController().signal)
  if ('unavailable' in ceph) return ceph
  const bucket = 'load-bucket'
  const { endpointUrl: endpoint, region, accessKeyId, secretAccessKey } = ceph
  const client = createS3Client({ endpoint, region, credentials: { accessKeyId, secretAccessKey } })
  await client.send(new CreateBucketCommand({ Bucket: bucket }))
  client.destroy()
  return nodes(
    {
      S3_ENDPOINT_URL: endpoint,
      S3_REGION: region,
      S3_BUCKET: bucket,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
    },
    async () => {
      await ceph.stop()
      await removeDir()
    },
  )
}

async function workerd(dir: string, removeDir: () => Promise<void>): Promise<Instances> {
  const child = await startChild(['scripts/dev-worker.ts', '--port', '0', '--persist-to', join(dir, 'r2')], {
    ready: /Ready on (http\S+)/,
    readyMs: 60_000,
  })
  return {
    origins: [child.caught],
    killNowAndThen: async () => 0,
    async stop() {
      await child.stop()
      await removeDir()
    },
  }
}

async function nodes(env: Readonly<Record<string, string>>, clean: () => Promise<void>): Promise<Instances> {
  const start = (port: string): Promise<Child> =>
    startChild(['src/app/node.ts'], {
      ready: /listens on (http\S+)/,
      env: { LOG_LEVEL: 'error', ...env, PORT: port },
    })
  const running = await Promise.all(['0', '0', '0'].map(start))
  const origins = running.map(({ caught }) => caught)
  return {
    origins,
    async killNowAndThen(random, isOver) {
      for (let kills = 0; ; kills++) {
        const waitsUntilMs = performance.now() + random.integer(1_000, 4_000)
        while (performance.now() < waitsUntilMs && !isOver()) await pause(50)
        if (isOver()) return kills
        const which = random.integer(0, running.length - 1)
        await running[which]?.stop('SIGKILL')
        running[which] = await start(new URL(`${origins[which]}`).port)
      }
    },
    async stop() {
      await Promise.all(running.map((child) => child.stop()))
      await clean()
    },
  }
}
