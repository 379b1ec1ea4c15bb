import { env } from 'cloudflare:workers'
import type { ScheduledController } from '@cloudflare/workers-types'
import { expect, it } from 'vitest'
import worker from '../../src/app/worker.ts'

const linkSecret = `k1:${btoa('x'.repeat(32))}`
const service = { BUCKET: env.BUCKET, LINK_SECRETS: linkSecret, S3_PREFIX: 'scheduled', LOG_LEVEL: 'error' }

const manifest = (livesMs: number) => `{"expiresAt":"${new Date(Date.now() + livesMs).toISOString()}"}\n`

it('the Cron Trigger of a Worker removes exports that have expired', async () => {
  await env.BUCKET.put('scheduled/exports/over.jsonl', manifest(-1000))
  await env.BUCKET.put('scheduled/exports/good.jsonl', manifest(60_000))
  await env.BUCKET.put('scheduled/files/a.txt', 'a')
  await worker.scheduled({} as ScheduledController, service)
  const { objects } = await env.BUCKET.list({ prefix: 'scheduled/' })
  expect(objects.map(({ key }) => key)).toEqual(['scheduled/exports/good.jsonl', 'scheduled/files/a.txt'])
})
