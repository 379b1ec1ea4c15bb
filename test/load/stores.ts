import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateBucketCommand } from '@aws-sdk/client-s3'
import { createS3Client } from '../../src/adapters/s3/client.ts'
import { startCeph } from '../servers/ceph/start-ceph.ts'
import { startChild } from '../servers/child.ts'
import { startS3rver } from '../servers/s3rver.ts'
import type { Sync } from './check-history.ts'

export const storeNames = ['folder', 's3rver', 'r2', 'ceph'] as const
export type StoreName = (typeof storeNames)[number]

/** What instances share. */
export interface SharedStore {
  readonly sync: Sync
  /** How a Node instance finds it; or where one workerd serves it, which is all instances in one. */
  readonly reach: { readonly env: Readonly<Record<string, string>> } | { readonly url: string }
  stop(): Promise<void>
}

/** Empty; `unavailable` says in a few words why there is none on a machine like this. */
export async function openStore(name: StoreName): Promise<SharedStore | { readonly unavailable: string }> {
  switch (name) {
    case 'folder': {
      const { directory, stop } = await temporaryDirectory()
      return { sync: 'cas', reach: { env: { DATA_DIR: directory } }, stop }
    }
    case 's3rver': {
      const { environment, stop } = await startS3rver()
      return { sync: 'merge', reach: { env: environment }, stop }
    }
    case 'r2': {
      const { directory, stop } = await temporaryDirectory()
      const worker = await startChild(['scripts/dev-worker.ts', '--port', '0', '--persist-to', directory], {
        ready: /Ready on (http\S+)/,
        readyMs: 60_000,
      })
      return {
        sync: 'cas',
        reach: { url: worker.caught },
        async stop() {
          await worker.stop()
          await stop()
        },
      }
    }
    case 'ceph':
      return await openCeph()
  }
}

async function openCeph(): Promise<SharedStore | { readonly unavailable: string }> {
  const ceph = await startCeph(new AbortController().signal)
  if ('unavailable' in ceph) return ceph
  const { endpointUrl, region, accessKeyId, secretAccessKey } = ceph
  const client = createS3Client({ endpoint: endpointUrl, region, credentials: { accessKeyId, secretAccessKey } })
  const Bucket = 'load'
  await client.send(new CreateBucketCommand({ Bucket }))
  client.destroy()
  const env = { S3_ENDPOINT_URL: endpointUrl, S3_REGION: region, S3_BUCKET: Bucket }
  const account = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey }
  return { sync: 'cas', reach: { env: { ...env, ...account } }, stop: () => ceph.stop() }
}

async function temporaryDirectory() {
  const directory = await mkdtemp(join(tmpdir(), 'lora-storage-load-'))
  return { directory, stop: () => rm(directory, { recursive: true, force: true, maxRetries: 5 }) }
}
